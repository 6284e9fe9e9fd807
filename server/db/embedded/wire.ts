/**
 * Postgres' wire protocol 3.0, as far as it takes to pass messages between clients and one backend: framing and a
 * handful of messages of our own (https://www.postgresql.org/docs/18/protocol-message-formats.html).
 */

/** Largest message taken from a client; Postgres itself would go to 1 GiB. */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024
/** Postgres' own limit for a startup packet. */
const MAX_STARTUP_BYTES = 10_000

/** What clients may send after startup. Postgres ends the session at others, and its session here is everybody's. */
const FRONTEND_TYPES = new Set('QPBEDCSHFXdcf')
/** Messages that Postgres answers with ReadyForQuery: Query, Sync and FunctionCall. */
const CYCLE_ENDS = new Set('QSF')

export interface Message {
  /** Its type byte; empty for a startup packet, which has none. */
  type: string
  /** The whole message: type, length and body. */
  frame: Buffer
}

/** A client broke the protocol: it is told so and disconnected. */
export class ProtocolError extends Error {}

/** Cuts a client's byte stream into messages. */
export class MessageReader {
  #chunks: Buffer[] = []
  #length = 0

  push (chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#length += chunk.length
  }

  /**
   * The next complete message, or null until more has arrived.
   *
   * @param kind `startup` while the client has not introduced itself, `typed` ever after.
   * @throws {ProtocolError} on an unknown type or a length out of bounds.
   */
  next (kind: 'startup' | 'typed'): Message | null {
    const prefix = kind === 'startup' ? 0 : 1
    const start = this.#peek(prefix + 4)
    if (start === null) return null
    const type = kind === 'startup' ? '' : String.fromCharCode(start[0] as number)
    if (kind === 'typed' && !FRONTEND_TYPES.has(type)) throw new ProtocolError(`unknown message type ${JSON.stringify(type)}`)
    const length = start.readUInt32BE(prefix)
    const limit = kind === 'startup' ? MAX_STARTUP_BYTES : MAX_MESSAGE_BYTES
    if (length < 4 || length > limit) throw new ProtocolError(`message of ${length} bytes; the limit is ${limit}`)
    const frame = this.#peek(prefix + length)
    if (frame === null) return null
    this.#drop(frame.length)
    return { type, frame }
  }

  /** The first `count` bytes. Chunks are joined only once enough of them are there, so that long messages cost one copy. */
  #peek (count: number): Buffer | null {
    if (this.#length < count) return null
    if ((this.#chunks[0] as Buffer).length < count) this.#chunks = [Buffer.concat(this.#chunks)]
    return (this.#chunks[0] as Buffer).subarray(0, count)
  }

  #drop (count: number): void {
    const first = this.#chunks[0] as Buffer
    if (first.length === count) this.#chunks.shift()
    else this.#chunks[0] = first.subarray(count)
    this.#length -= count
  }
}

/** Splits what the backend put out, which is always whole messages. */
export function splitMessages (output: Buffer): Message[] {
  const messages: Message[] = []
  for (let at = 0; at < output.length;) {
    const end = at + 1 + output.readUInt32BE(at + 1)
    messages.push({ type: String.fromCharCode(output[at] as number), frame: output.subarray(at, end) })
    at = end
  }
  return messages
}

/** Whether ReadyForQuery answers this message. */
export function endsCycle ({ type }: Message): boolean {
  return CYCLE_ENDS.has(type)
}

/** Builds a message; strings become zero-terminated. */
export function message (type: string, ...parts: Array<string | Buffer>): Message {
  const body = Buffer.concat(parts.map((part) => typeof part === 'string' ? Buffer.from(`${part}\0`) : part))
  const head = Buffer.alloc(5)
  head.write(type, 'latin1')
  head.writeUInt32BE(body.length + 4, 1)
  return { type, frame: Buffer.concat([head, body]) }
}

export const query = (sql: string): Message => message('Q', sql)
export const sync = message('S')

/** An ErrorResponse: FATAL when the connection ends with it. */
export function errorResponse (severity: 'ERROR' | 'FATAL', code: string, text: string): Buffer {
  return message('E', `S${severity}`, `V${severity}`, `C${code}`, `M${text}`, Buffer.of(0)).frame
}

/** A zero-terminated string inside a message. */
export function stringAt (frame: Buffer, start: number): { text: string, end: number } {
  const zero = frame.indexOf(0, start)
  const stop = zero === -1 ? frame.length : zero
  return { text: frame.toString('utf8', start, stop), end: Math.min(stop + 1, frame.length) }
}

/** The SQL of a Query or Parse message; null for others. */
export function sqlOf ({ type, frame }: Message): string | null {
  if (type === 'Q') return stringAt(frame, 5).text
  return type === 'P' ? stringAt(frame, stringAt(frame, 5).end).text : null
}

/**
 * Prefixes the prepared statement's name, if the message has one: all clients share one backend, and many drivers
 * count their statements from 1.
 *
 * @returns The message to pass on, and the name as the client knows it (null when unnamed or without statement).
 */
export function qualifyStatement (original: Message, prefix: string): { message: Message, name: string | null } {
  const start = statementAt(original)
  if (start === null) return { message: original, name: null }
  const { text, end } = stringAt(original.frame, start)
  if (text === '') return { message: original, name: null }
  const { type, frame } = original
  return { message: message(type, frame.subarray(5, start), prefix + text, frame.subarray(end)), name: text }
}

/** Where a message names its prepared statement: Parse, Bind (after the portal), Describe and Close of a statement. */
function statementAt ({ type, frame }: Message): number | null {
  if (type === 'P') return 5
  if (type === 'B') return stringAt(frame, 5).end
  return (type === 'D' || type === 'C') && frame[5] === 0x53 ? 6 : null
}
