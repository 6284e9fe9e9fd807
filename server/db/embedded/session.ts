import { CopyIn } from './copy.js'
import { endsCycle, qualifyStatement, query, sqlOf, sync, message, type Message } from './wire.js'

/** The connection behind a session. */
export interface Client {
  write: (output: Buffer) => void
  /** Sends an error and disconnects. `Arbiter.leave` must follow. */
  expel: (code: string, reason: string) => void
  /** Whether output piles up because the client does not read it. */
  isCongested: () => boolean
  /** Some of its messages have been taken: there is room for more. */
  relieve: () => void
}

const LISTEN = /\b(un)?listen\s+(?:\*|"((?:[^"]|"")+)"|([a-z_\u0080-\uffff][\w$\u0080-\uffff]*))/gi
/** What a client may send during COPY: data, its end or failure; Flush and Sync, which are ignored. */
const COPY_TYPES = 'dcfHS'
const CHANNELS_MAX = 1_000
/** Postgres cuts longer identifiers. */
const IDENTIFIER_MAX_BYTES = 63

/** One client's messages that wait for the backend, and what it has left there. */
export class Session {
  readonly client: Client
  /** Channels it has asked to listen to. */
  readonly channels = new Set<string>()
  /** Bytes of messages that wait. */
  pendingBytes = 0
  copy: CopyIn | null = null
  hasDeparted = false
  readonly #prefix: string
  readonly #statements = new Set<string>()
  #pending: Message[] = []
  #wasServed = false

  constructor (client: Client, id: number) {
    this.client = client
    this.#prefix = `${id}_`
  }

  get isWaiting (): boolean {
    return this.#pending.length > 0
  }

  push (next: Message): void {
    this.#pending.push(next)
    this.pendingBytes += next.frame.length
  }

  /**
   * The messages up to and including the next one that ends in ReadyForQuery, else all there are. Later ones wait for
   * another turn, so that a client that pipelines does not keep the others out.
   */
  takeBatch (): Message[] {
    const end = this.#pending.findIndex(endsCycle)
    const taken = this.#take(end === -1 ? this.#pending.length : end + 1)
    // What is left of a COPY that has failed; Postgres ignores it too.
    return taken.filter(({ type }) => !'dcf'.includes(type)).map((next) => this.#note(next))
  }

  /** Gives waiting messages to the COPY under way; returns what to execute once its data is complete. */
  takeCopy (copy: CopyIn): Message[] | null {
    while (this.#pending.length > 0) {
      const [next] = this.#take(1) as [Message]
      if (!COPY_TYPES.includes(next.type)) this.client.expel('08P01', 'COPY takes data, and nothing else')
      const complete = copy.add(next)
      if (complete !== null) return complete
    }
    return null
  }

  /**
   * The client has gone. What it had sent is still executed, as Postgres does; then whatever it left open is closed:
   * a half-sent request, a transaction, settings, prepared statements, channels.
   */
  depart (): void {
    this.hasDeparted = true
    this.copy = null
    if (!this.#wasServed && !this.isWaiting) return
    const closes = [...this.#statements].map((name) => message('C', Buffer.from('S'), name))
    this.#pending.push(sync, query('ROLLBACK; RESET ALL'))
    if (closes.length > 0) this.#pending.push(...closes, sync)
    if (this.channels.size > 0) this.#pending.push(query('UNLISTEN *'))
    this.channels.clear()
  }

  #take (count: number): Message[] {
    const taken = this.#pending.splice(0, count)
    for (const { frame } of taken) this.pendingBytes -= frame.length
    this.#wasServed = true
    this.client.relieve()
    return taken
  }

  /** Makes statement names this client's own, and notes what outlives a request. */
  #note (original: Message): Message {
    const sql = sqlOf(original)
    if (sql !== null) this.#noteChannels(sql)
    const { message: qualified, name } = qualifyStatement(original, this.#prefix)
    if (name !== null && original.type === 'P') this.#statements.add(name)
    if (name !== null && original.type === 'C') this.#statements.delete(name)
    return qualified
  }

  #noteChannels (sql: string): void {
    for (const [, un, quoted, plain] of sql.matchAll(LISTEN)) {
      const name = quoted?.replaceAll('""', '"') ?? plain?.toLowerCase()
      if (name === undefined && un !== undefined) this.channels.clear()
      if (name === undefined) continue
      const channel = Buffer.from(name).subarray(0, IDENTIFIER_MAX_BYTES).toString()
      if (un === undefined) this.channels.add(channel)
      else this.channels.delete(channel)
    }
    if (this.channels.size > CHANNELS_MAX) this.client.expel('54000', `more than ${CHANNELS_MAX} channels`)
  }
}
