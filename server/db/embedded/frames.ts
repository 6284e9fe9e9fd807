/** Largest message that is accepted, in bytes: well above any statement of ours, well below the memory of a small machine. */
export const MESSAGE_MAX = 64 * 1024 * 1024

/** Codes that stand where a startup message has its protocol version (PostgreSQL manual §54.7). */
const SSL_REQUEST = 80877103
const GSS_REQUEST = 80877104
const CANCEL_REQUEST = 80877102

/** A message from a client. `refuse_encryption` wants the answer `N`; `cancel` none, there being no other backend to stop. */
export type ClientMessage =
  | { kind: 'startup' | 'typed', bytes: Buffer }
  | { kind: 'refuse_encryption' | 'cancel' | 'terminate' }

/** Cuts a client's byte stream into messages (PostgreSQL manual §54.2). */
export class ClientFramer {
  #rest: Buffer = Buffer.alloc(0)
  #isStarted = false

  /** @throws RangeError when a message is larger than {@link MESSAGE_MAX} or its length is nonsense. */
  push (chunk: Buffer): ClientMessage[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const messages: ClientMessage[] = []
    for (let message = this.#take(); message !== undefined; message = this.#take()) messages.push(message)
    return messages
  }

  #take (): ClientMessage | undefined {
    // Before the startup message, messages have no type byte.
    const typeBytes = this.#isStarted ? 1 : 0
    if (this.#rest.length < typeBytes + 4) return undefined
    const size = typeBytes + this.#rest.readUInt32BE(typeBytes)
    if (size < typeBytes + 4 || size > MESSAGE_MAX) throw new RangeError(`A message of ${size} bytes is not accepted`)
    if (this.#rest.length < size) return undefined
    const bytes = this.#rest.subarray(0, size)
    this.#rest = this.#rest.subarray(size)
    return this.#isStarted ? typed(bytes) : this.#first(bytes)
  }

  #first (bytes: Buffer): ClientMessage {
    const code = bytes.length >= 8 ? bytes.readUInt32BE(4) : 0
    if (code === SSL_REQUEST || code === GSS_REQUEST) return { kind: 'refuse_encryption' }
    if (code === CANCEL_REQUEST) return { kind: 'cancel' }
    this.#isStarted = true
    return { kind: 'startup', bytes }
  }
}

function typed (bytes: Buffer): ClientMessage {
  return letter(bytes) === 'X' ? { kind: 'terminate' } : { kind: 'typed', bytes }
}

/** The type of a message: its first byte, as a letter. */
export function letter (bytes: Uint8Array): string {
  return String.fromCharCode(bytes[0] ?? 0)
}

/** A zero-terminated text inside a message. */
export function textAt (bytes: Buffer, start: number): string {
  return bytes.toString('utf8', start, Math.max(start, bytes.indexOf(0, start)))
}

export interface BackendOutput {
  /** What belongs to the client that asked. */
  answer: Buffer
  /** NotificationResponse messages, which belong to everyone who listens. */
  notifications: Buffer[]
  /** The transaction status that ReadyForQuery told, if that came last: I idle, T in a transaction, E in a failed one. */
  status: 'I' | 'T' | 'E' | undefined
  /** Whether it waits for COPY data (CopyInResponse or CopyBothResponse came last). */
  wantsCopyData: boolean
}

/** Reads what the backend put out: takes notifications out, and finds whether it is ready for the next query. */
export function readOutput (output: Buffer): BackendOutput {
  const parts: Buffer[] = []
  const notifications: Buffer[] = []
  let status: BackendOutput['status']
  let last = ''
  for (let at = 0; at + 5 <= output.length;) {
    const message = output.subarray(at, at + 1 + output.readUInt32BE(at + 1))
    const type = letter(message)
    if (type === 'A') {
      notifications.push(message)
    } else {
      parts.push(message)
      last = type
    }
    if (type === 'Z') status = letter(message.subarray(5)) as 'I' | 'T' | 'E'
    at += message.length
  }
  return { answer: Buffer.concat(parts), notifications, status: last === 'Z' ? status : undefined, wantsCopyData: last === 'G' || last === 'W' }
}

/** A message of a client's, from its type and its contents. */
export function frame (type: string, contents: Buffer = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.alloc(5 + contents.length)
  bytes.write(type, 0, 'latin1')
  bytes.writeUInt32BE(4 + contents.length, 1)
  contents.copy(bytes, 5)
  return bytes
}

export const SYNC = frame('S')
export const COPY_FAIL = frame('f', Buffer.from('The client has gone\0'))
export const ROLLBACK = frame('Q', Buffer.from('ROLLBACK\0'))

/** Closes a prepared statement. */
export function closeStatement (name: string): Buffer {
  return frame('C', Buffer.from(`S${name}\0`))
}
