import { lookup as systemLookup, type LookupAddress, type LookupOptions } from 'node:dns'
import type { Socket } from 'node:net'
import { Agent, buildConnector, type Dispatcher } from 'undici'
import type { AddressPolicy } from './address-policy.js'
import type { OutgoingRequest } from './compose.js'
import type { AttemptResult, FailureCode } from './outcome.js'
import { literalAddress } from '../webhooks/webhook-url.js'

const CONNECT_TIMEOUT_MS = 5_000
/** How long a request waits for a connection: a new one to be made, or one in use to become free. */
const QUEUE_TIMEOUT_MS = 8_000
/** From the first byte sent to the last byte read, headers and body together. */
const ATTEMPT_TIMEOUT_MS = 15_000
/** How much of a response is kept; the rest is not read. */
const RESPONSE_BODY_MAX = 16 * 1024

class BlockedAddressError extends Error {
  readonly code = 'BLOCKED_ADDRESS'
}

export interface Sender {
  /** Makes one HTTP try. Never rejects: whatever happens is a result. */
  send: (request: OutgoingRequest) => Promise<AttemptResult>
  close: () => Promise<void>
}

/**
 * A sender over kept-alive connections. Addresses are judged when connecting, on what the name resolved to, and the
 * connection goes to the address that was judged: a name that resolves differently a moment later gains nothing, and
 * pooled connections cost no look-up. Redirects are not followed: a 3xx is an answer like any other.
 * @param lookup How names are resolved; the system's way unless a test plays the DNS.
 */
export function createSender (policy: AddressPolicy, connectionsPerOrigin: number, lookup: Lookup = systemLookup): Sender {
  const agent = new Agent({
    connect: guardedConnector(policy, lookup),
    connections: connectionsPerOrigin,
    pipelining: 1,
    keepAliveTimeout: 30_000,
    headersTimeout: ATTEMPT_TIMEOUT_MS,
    bodyTimeout: ATTEMPT_TIMEOUT_MS,
    maxHeaderSize: 32 * 1024
  })
  return {
    send: async (request) => await attempt(agent, request),
    // Requests under way have been waited for by whoever sent them.
    close: async () => await agent.destroy()
  }
}

function guardedConnector (policy: AddressPolicy, lookup: Lookup): buildConnector.connector {
  const connect = buildConnector({ timeout: CONNECT_TIMEOUT_MS, allowH2: false, lookup: guardedLookup(policy, lookup) } as buildConnector.BuildOptions)
  return (options, callback) => {
    // net.connect looks nothing up for a literal address, so that is judged here.
    const literal = literalAddress(options.hostname)
    if (literal !== undefined && !policy.allows(literal)) {
      callback(new BlockedAddressError(`${options.hostname} is not a public address`), null)
      return
    }
    connect(options, callback as (error: Error | null, socket: Socket | null) => void)
  }
}

type LookupCallback = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void

/** Resolves a name to all of its addresses, as `dns.lookup` does. */
export type Lookup = (hostname: string, options: LookupOptions & { all: true }, callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void) => void

function guardedLookup (policy: AddressPolicy, lookup: Lookup) {
  return (hostname: string, options: LookupOptions, callback: LookupCallback): void => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, [])
      const usable = policy.usable(addresses)
      const first = usable[0]
      if (!first) return callback(new BlockedAddressError(`${hostname} resolves to an address that is not public`), [])
      if (options.all) callback(null, usable)
      else callback(null, first.address, first.family)
    })
  }
}

async function attempt (agent: Agent, { url: text, headers, body }: OutgoingRequest): Promise<AttemptResult> {
  const startedAt = performance.now()
  const durationMs = () => Math.round(performance.now() - startedAt)
  if (!URL.canParse(text)) return { kind: 'failure', error: 'invalid_url', detail: 'The URL cannot be parsed', durationMs: 0 }
  const { origin, pathname, search } = new URL(text)
  return await new Promise((resolve) => {
    const handler = new ResponseCollector({
      done: (response) => resolve({ kind: 'response', ...response, durationMs: durationMs() }),
      failed: (error) => resolve({ kind: 'failure', ...describeFailure(error), durationMs: durationMs() }),
      unsent: () => resolve({ kind: 'unsent', durationMs: durationMs() })
    })
    try {
      agent.dispatch({ origin, path: pathname + search, method: 'POST', headers, body }, handler)
    } catch (error) {
      handler.fail(error as Error)
    }
  })
}

interface CollectedResponse {
  status: number
  headers: Record<string, string>
  body: string
}

interface Settlement {
  done: (response: CollectedResponse) => void
  failed: (error: Error) => void
  unsent: () => void
}

/** Gathers a response up to the cap, within the deadlines; settles exactly once. */
class ResponseCollector implements Dispatcher.DispatchHandler {
  readonly #settlement: Settlement
  readonly #chunks: Buffer[] = []
  #deadline: NodeJS.Timeout
  #controller: Dispatcher.DispatchController | undefined
  #settled = false
  #size = 0
  #status = 0
  #headers: Record<string, string> = {}

  constructor (settlement: Settlement) {
    this.#settlement = settlement
    this.#deadline = setTimeout(() => { if (this.#settle()) settlement.unsent() }, QUEUE_TIMEOUT_MS)
  }

  /** A connection is there, and the request about to be written: from here on the receiver's time runs. */
  onRequestStart (controller: Dispatcher.DispatchController): void {
    if (this.#settled) return controller.abort(new Error('It waited too long for a connection'))
    this.#controller = controller
    clearTimeout(this.#deadline)
    this.#deadline = setTimeout(() => {
      this.fail(Object.assign(new Error(`No complete answer within ${ATTEMPT_TIMEOUT_MS / 1000} s`), { code: 'ATTEMPT_TIMEOUT' }))
    }, ATTEMPT_TIMEOUT_MS)
  }

  onResponseStart (_controller: Dispatcher.DispatchController, status: number, headers: Record<string, string | string[] | undefined>): void {
    this.#status = status
    this.#headers = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), Array.isArray(value) ? value.join(', ') : value ?? '']))
  }

  onResponseData (controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk.subarray(0, RESPONSE_BODY_MAX - this.#size))
    this.#size += chunk.length
    if (this.#size >= RESPONSE_BODY_MAX) {
      this.#finish()
      controller.abort(new Error('The rest of the response is not wanted'))
    }
  }

  onResponseEnd (): void {
    this.#finish()
  }

  onResponseError (_controller: Dispatcher.DispatchController, error: Error): void {
    this.fail(error)
  }

  fail (error: Error): void {
    if (!this.#settle()) return
    this.#settlement.failed(error)
    this.#controller?.abort(error)
  }

  #finish (): void {
    if (this.#settle()) this.#settlement.done({ status: this.#status, headers: this.#headers, body: storable(Buffer.concat(this.#chunks).toString('utf8')) })
  }

  #settle (): boolean {
    if (this.#settled) return false
    this.#settled = true
    clearTimeout(this.#deadline)
    return true
  }
}

/** NUL is valid in a body, but not in Postgres text. */
function storable (text: string): string {
  return text.replaceAll('\0', '\uFFFD')
}

const FAILURES: Readonly<Record<string, FailureCode>> = {
  BLOCKED_ADDRESS: 'blocked_address',
  ATTEMPT_TIMEOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  ETIMEDOUT: 'timeout',
  ENOTFOUND: 'dns_failed',
  EAI_AGAIN: 'dns_failed',
  ECONNRESET: 'connection_reset',
  EPIPE: 'connection_reset',
  UND_ERR_SOCKET: 'connection_reset'
}

function describeFailure (error: Error & { code?: string }): { error: FailureCode, detail: string } {
  const code = error.code ?? ''
  const isTls = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO)/.test(code)
  // A connection tried on several addresses fails with one error that holds the others.
  const detail = error.message || (error as AggregateError).errors?.map(String).join('; ') || code
  return { error: FAILURES[code] ?? (isTls ? 'tls_failed' : 'connection_failed'), detail: storable(`${code ? `${code}: ` : ''}${detail}`.slice(0, 500)) }
}
