import type { Dispatcher } from 'undici'
import type { Connection, ConnectionPool, Waiter } from './connection-pool.js'
import type { Deadlines } from './deadlines.js'
import { AttemptTimeoutError, describeFailure, isOurWant } from './failure.js'
import { NO_TRACE, type AttemptResult, type AttemptTrace } from './outcome.js'
import type { HttpRequest } from './sender.js'
import { storable } from './storable.js'

/** How much of a response's body is kept, in bytes; the rest is not read. */
export const RESPONSE_BODY_MAX = 16 * 1024

/** What all attempts of a sender share. */
export interface AttemptContext {
  pool: ConnectionPool
  /** From the first byte sent to the last byte read. */
  deadlines: Deadlines<Attempt>
}

/** Names in lower case; a header that came several times is a list. */
type ReceivedHeaders = Record<string, string | string[] | undefined>

/** One HTTP try, from the wait for a connection to the last byte that is read of the answer. It settles exactly once. */
export class Attempt implements Waiter, Dispatcher.DispatchHandler {
  readonly #context: AttemptContext
  readonly #request: HttpRequest
  readonly #resolve: (result: AttemptResult) => void
  readonly #startedAt = performance.now()
  previous: Attempt | undefined
  next: Attempt | undefined
  dueMs = 0
  #isSettled = false
  #connection: Connection | undefined
  #controller: Dispatcher.DispatchController | undefined
  #isReused = false
  /** 0 until it happens. */
  #writtenAt = 0
  #firstByteAt = 0
  #status = 0
  #headers: ReceivedHeaders = {}
  #body: Buffer = NOTHING
  #bodySize = 0

  constructor (context: AttemptContext, request: HttpRequest, resolve: (result: AttemptResult) => void) {
    this.#context = context
    this.#request = request
    this.#resolve = resolve
  }

  get origin (): string {
    return this.#request.origin
  }

  start (): void {
    try {
      this.#context.pool.acquire(this)
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  onConnection (connection: Connection): void {
    this.#connection = connection
    const { path, method, headers, body } = this.#request
    connection.client.dispatch({ path, method, headers, body }, this)
  }

  onNoConnection (): void {
    this.#settle({ kind: 'unsent', durationMs: this.#durationMs() })
  }

  /** The connection stands, and the request is about to be written: from here on the receiver's time runs. */
  onRequestStart (controller: Dispatcher.DispatchController): void {
    const connection = this.#connection as Connection
    this.#controller = controller
    this.#isReused = connection.requests++ > 0
    this.#writtenAt = performance.now()
    this.#context.deadlines.start(this, this.#writtenAt)
  }

  /** The first byte of an answer; an interim one (1xx) counts. */
  onResponseStarted (): void {
    if (this.#firstByteAt === 0) this.#firstByteAt = performance.now()
  }

  /** Called for interim answers too; the last one stays. */
  onResponseStart (_controller: Dispatcher.DispatchController, status: number, headers: ReceivedHeaders): void {
    this.#status = status
    this.#headers = headers
  }

  onResponseData (controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const room = RESPONSE_BODY_MAX - this.#bodySize
    if (chunk.length <= room) return this.#keep(chunk)
    this.#keep(chunk.subarray(0, room))
    this.#finish()
    controller.abort(new Error('The rest of the response is not wanted'))
  }

  onResponseEnd (): void {
    this.#finish()
    this.#context.pool.release(this.#connection as Connection, true)
  }

  onResponseError (_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#writtenAt === 0 && isOurWant(error)) this.onNoConnection()
    else this.#fail(error)
    // Not at once: dispatch itself may have called this, and whoever gets the connection's place may fail in the same way.
    queueMicrotask(() => this.#context.pool.release(this.#connection as Connection, false))
  }

  /** The deadline has passed: whatever has come is no answer. */
  expire (afterMs: number): void {
    const missing = this.#firstByteAt === 0 ? 'No answer' : this.#status === 0 ? 'No complete headers' : 'No complete body'
    const error = new AttemptTimeoutError(`${missing} within ${afterMs / 1000} s`)
    this.#fail(error)
    this.#controller?.abort(error)
  }

  /** One buffer for any number of chunks, so that a body that comes byte by byte does not cost an object each. */
  #keep (chunk: Buffer): void {
    if (this.#bodySize === 0) this.#body = chunk
    else {
      if (this.#body.length < RESPONSE_BODY_MAX) this.#body = Buffer.concat([this.#body], RESPONSE_BODY_MAX)
      chunk.copy(this.#body, this.#bodySize)
    }
    this.#bodySize += chunk.length
  }

  #finish (): void {
    if (this.#isSettled) return
    const body = storable(this.#body.toString('utf8', 0, this.#bodySize))
    this.#settle({ kind: 'response', status: this.#status, headers: plainHeaders(this.#headers), body, trace: this.#trace(), durationMs: this.#durationMs() })
  }

  #fail (error: Error): void {
    if (!this.#isSettled) this.#settle({ kind: 'failure', ...describeFailure(error), trace: this.#trace(), durationMs: this.#durationMs() })
  }

  #settle (result: AttemptResult): void {
    this.#isSettled = true
    this.#context.deadlines.stop(this)
    this.#resolve(result)
  }

  #durationMs (): number {
    return Math.round(performance.now() - this.#startedAt)
  }

  #trace (): AttemptTrace {
    const firstByteMs = this.#firstByteAt === 0 ? null : hundredths(this.#firstByteAt - this.#writtenAt)
    const phases = this.#connection?.phases
    if (!phases) return NO_TRACE
    if (this.#isReused) return { address: phases.address, reused: true, dnsMs: null, connectMs: null, tlsMs: null, firstByteMs }
    return { address: phases.address, reused: false, dnsMs: hundredths(phases.dnsMs), connectMs: hundredths(phases.connectMs), tlsMs: hundredths(phases.tlsMs), firstByteMs }
  }
}

const NOTHING = Buffer.alloc(0)

function hundredths (ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 100) / 100
}

function plainHeaders (headers: ReceivedHeaders): Record<string, string> {
  const plain: Record<string, string> = {}
  for (const [name, value = ''] of Object.entries(headers)) plain[name] = storable(typeof value === 'string' ? value : value.join(', '))
  return plain
}
