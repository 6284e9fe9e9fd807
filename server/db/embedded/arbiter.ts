import { CopyIn, guardCopy, startsCopy } from './copy.js'
import { readOutput, type Notification, type Output, type Status } from './output.js'
import { Session, type Client } from './session.js'
import { query, type Message } from './wire.js'

/** The one backend: executes messages and resolves with all that it puts out. */
export type Execute = (messages: Buffer) => Promise<Buffer>

/** A client that holds a transaction open this long without a word is disconnected: everybody waits for it. */
export const IDLE_IN_TRANSACTION_MS = 60_000

/**
 * Lets many clients share the one backend that PGlite is. A client owns it from its first message until ReadyForQuery
 * says that no transaction is open, so that transactions, extended-protocol requests and COPY are never mixed; the
 * others take turns, one request each.
 *
 * To the backend all clients are one session. So settings, temporary tables and session-level advisory locks are shared,
 * statement names are kept apart here, and notifications are handed to every client that has asked for their channel.
 */
export class Arbiter {
  readonly #execute: Execute
  readonly #onFailure: (error: unknown) => void
  readonly #sessions = new Set<Session>()
  readonly #queue = new Set<Session>()
  #owner: Session | null = null
  /** What the backend last said; null in the middle of an extended-protocol request. */
  #status: Status | null = 'I'
  #mustListenAgain = false
  #isRunning = false
  #isStopped = false
  #run: Promise<void> = Promise.resolve()
  #idleTimer: NodeJS.Timeout | undefined
  #joined = 0

  /** @param onFailure Called once if the backend throws; nothing is executed any more. */
  constructor (execute: Execute, onFailure: (error: unknown) => void) {
    this.#execute = execute
    this.#onFailure = onFailure
  }

  join (client: Client): Session {
    const session = new Session(client, ++this.#joined)
    this.#sessions.add(session)
    return session
  }

  submit (session: Session, message: Message): void {
    session.push(message)
    this.wake(session)
  }

  /** Takes up a session again that was put off because its client was congested. */
  wake (session: Session): void {
    if (session === this.#owner) this.#unwatch()
    else if (session.isWaiting) this.#queue.add(session)
    if (this.#isRunning || this.#isStopped) return
    this.#isRunning = true
    // Not at once: what came in the same piece is executed in one go.
    this.#run = Promise.resolve().then(async () => await this.#serveAll())
  }

  leave (session: Session): void {
    if (!this.#sessions.delete(session)) return
    session.depart()
    this.wake(session)
  }

  /** Executes nothing more; resolves when what is being executed has ended. Open transactions stay open. */
  async stop (): Promise<void> {
    this.#isStopped = true
    this.#unwatch()
    await this.#run
  }

  async #serveAll (): Promise<void> {
    try {
      for (let session = this.#turn(); session !== null; session = this.#turn()) {
        await this.#serve(session)
        // Between two requests sockets get their turn: the backend runs in this thread.
        await new Promise((resolve) => setImmediate(resolve))
      }
    } catch (error) {
      this.#isStopped = true
      this.#onFailure(error)
    }
    this.#isRunning = false
  }

  /** Whose messages to execute now: whoever has the backend, else the next in the queue; null when there is nothing to do. */
  #turn (): Session | null {
    if (this.#isStopped) return null
    this.#owner ??= this.#next()
    const session = this.#owner
    if (session === null) return null
    if (session.isWaiting && (session.hasDeparted || !session.client.isCongested())) return session
    this.#watch(session)
    return null
  }

  #next (): Session | null {
    for (const session of this.#queue) {
      this.#queue.delete(session)
      if (session.hasDeparted || !session.client.isCongested()) return session
    }
    return null
  }

  /** The owner has nothing to say; everybody waits for it, but not for ever. */
  #watch (owner: Session): void {
    this.#idleTimer ??= setTimeout(() => {
      owner.client.expel('25P03', `nothing was sent in an open transaction for ${IDLE_IN_TRANSACTION_MS / 1000} s`)
    }, IDLE_IN_TRANSACTION_MS).unref()
  }

  #unwatch (): void {
    clearTimeout(this.#idleTimer)
    this.#idleTimer = undefined
  }

  async #serve (session: Session): Promise<void> {
    const { copy } = session
    const batch = copy === null ? session.takeBatch() : session.takeCopy(copy)
    if (batch === null) return
    if (copy === null && !session.hasDeparted && startsCopy(batch)) {
      session.copy = new CopyIn(batch[0] as Message)
      session.client.write(session.copy.invitation)
      return
    }
    session.copy = null
    if (batch.length > 0) {
      const output = await this.#executeBatch(copy === null ? batch.flatMap(guardCopy) : batch)
      if (!session.hasDeparted) session.client.write(output.answer)
      this.#deliver(output.notifications)
    }
    if (this.#status !== 'I') return
    if (this.#mustListenAgain) await this.#listenAgain()
    this.#owner = null
    if (session.isWaiting) this.#queue.add(session)
  }

  async #executeBatch (batch: readonly Message[]): Promise<Output> {
    const output = readOutput(await this.#execute(Buffer.concat(batch.map(({ frame }) => frame))))
    this.#status = output.status
    this.#mustListenAgain ||= output.hasUnlistened
    return output
  }

  #deliver (notifications: readonly Notification[]): void {
    for (const { channel, frame } of notifications) {
      for (const { client, channels } of this.#sessions) {
        if (!channels.has(channel)) continue
        if (client.isCongested()) client.expel('53400', 'notifications were not read')
        else client.write(frame)
      }
    }
  }

  /** One client has stopped listening, and so the backend has for all: the channels of the others are asked for again. */
  async #listenAgain (): Promise<void> {
    this.#mustListenAgain = false
    const channels = new Set([...this.#sessions].flatMap((session) => [...session.channels]))
    if (channels.size === 0) return
    const sql = [...channels].map((channel) => `LISTEN "${channel.replaceAll('"', '""')}"`).join(';')
    const { notifications } = await this.#executeBatch([query(sql)])
    this.#deliver(notifications)
  }
}
