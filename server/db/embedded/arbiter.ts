import { closeStatement, COPY_FAIL, letter, readOutput, ROLLBACK, SYNC, textAt } from './frames.js'

/** A backend that executes protocol messages, one call at a time. */
export type Execute = (messages: Buffer) => Promise<Uint8Array>

/** A client that holds a transaction open this long without a word is thrown out, as everybody waits for it. */
export const IDLE_IN_TRANSACTION_MS = 60_000

/** What a client is to the arbiter. */
export interface Client {
  /** Sends bytes to the client. */
  write: (bytes: Buffer) => void
  /** Ends the connection. */
  end: () => void
}

/** A client's place at the arbiter. */
export interface Seat {
  /** Gives messages to the backend, when it is this client's turn. */
  send: (messages: readonly Buffer[]) => void
  /** The client has gone: whatever it left open is closed, then others have their turn. */
  leave: () => void
}

class Guest {
  readonly client: Client
  waiting: Buffer[] = []
  listens = false
  hasLeft = false
  isCopying = false
  status: 'I' | 'T' | 'E' | undefined = 'I'
  readonly statements = new Set<string>()

  constructor (client: Client) {
    this.client = client
  }
}

/**
 * Lets many clients share the one backend that PGlite is. A client keeps the backend from its first message until the
 * backend is idle again, so that transactions, extended-protocol batches and COPY are never mixed; the others wait in
 * order. Notifications go to every client that listens, since to the backend all of them are one session.
 */
export class Arbiter {
  readonly #execute: Execute
  readonly #guests = new Set<Guest>()
  readonly #queue: Guest[] = []
  #owner: Guest | undefined
  #isRunning = false
  /** The latest run; settled when nothing is being executed. */
  #run: Promise<void> = Promise.resolve()
  #isStopped = false
  #idleTimer: NodeJS.Timeout | undefined

  constructor (execute: Execute) {
    this.#execute = execute
  }

  join (client: Client): Seat {
    const guest = new Guest(client)
    this.#guests.add(guest)
    return {
      send: (messages) => {
        guest.waiting.push(...messages)
        this.#enqueue(guest)
      },
      leave: () => {
        if (guest.hasLeft) return
        guest.hasLeft = true
        this.#guests.delete(guest)
        this.#enqueue(guest)
      }
    }
  }

  #enqueue (guest: Guest): void {
    if (guest !== this.#owner && !this.#queue.includes(guest)) this.#queue.push(guest)
    if (!this.#isRunning) this.#run = this.#serveAll()
  }

  /** Executes nothing more. Resolves when what is being executed has ended; open transactions stay open. */
  async stop (): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#idleTimer)
    await this.#run
  }

  async #serveAll (): Promise<void> {
    this.#isRunning = true
    clearTimeout(this.#idleTimer)
    while (!this.#isStopped) {
      const guest = this.#owner ??= this.#queue.shift()
      if (!guest) break
      const messages = guest.hasLeft ? farewell(guest) : guest.waiting.splice(0)
      if (messages.length > 0) await this.#serve(guest, messages)
      else if (!guest.hasLeft && guest.status !== 'I') break
      if (guest.status === 'I') this.#release(guest)
    }
    this.#isRunning = false
    this.#watch()
  }

  /** Gives the backend to the next one; who still has something to say waits for another turn. */
  #release (guest: Guest): void {
    this.#owner = undefined
    if (guest.waiting.length > 0 || (guest.hasLeft && guest.statements.size > 0)) this.#queue.push(guest)
  }

  async #serve (guest: Guest, messages: readonly Buffer[]): Promise<void> {
    for (const message of messages) note(guest, message)
    const { answer, notifications, status, wantsCopyData } = readOutput(Buffer.from(await this.#execute(Buffer.concat(messages))))
    guest.isCopying = wantsCopyData
    guest.status = status
    if (!guest.hasLeft) guest.client.write(answer)
    for (const listener of this.#guests) if (listener.listens) for (const notification of notifications) listener.client.write(notification)
  }

  /** While somebody holds the backend and says nothing, the clock runs. */
  #watch (): void {
    const owner = this.#owner
    if (!owner || this.#isStopped) return
    this.#idleTimer = setTimeout(() => { owner.client.end() }, IDLE_IN_TRANSACTION_MS)
    this.#idleTimer.unref()
  }
}

/** Notes what outlives a message: listening, and named prepared statements. */
function note (guest: Guest, message: Buffer): void {
  const type = letter(message)
  if (type === 'P') {
    const name = textAt(message, 5)
    const query = textAt(message, 5 + Buffer.byteLength(name) + 1)
    if (name !== '') guest.statements.add(name)
    guest.listens ||= /^\s*listen\b/i.test(query)
  } else if (type === 'Q') {
    guest.listens ||= /^\s*listen\b/i.test(textAt(message, 5))
  } else if (type === 'C' && letter(message.subarray(5)) === 'S') {
    guest.statements.delete(textAt(message, 6))
  }
}

/** What must be said for a client that has gone: end its COPY and its transaction, close its statements. */
function farewell (guest: Guest): Buffer[] {
  guest.waiting = []
  if (guest.isCopying) return [COPY_FAIL, SYNC]
  if (guest.status === undefined) return [SYNC]
  if (guest.status !== 'I') return [ROLLBACK]
  if (guest.statements.size === 0) return []
  return [...[...guest.statements].map(closeStatement), SYNC]
}
