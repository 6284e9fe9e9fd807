import { message, sqlOf, type Message } from './wire.js'

/*
 * COPY … FROM STDIN makes the backend read on in the middle of a statement. PGlite cannot wait there: when its input ends
 * it takes the connection for broken and terminates, for all clients. So the data of a COPY is collected first and given
 * to the backend in one piece with the statement, and no other COPY … FROM STDIN reaches the backend unguarded.
 */

/** Most data that one COPY may bring. */
const COPY_MAX_BYTES = 64 * 1024 * 1024

/** A query that is one COPY … FROM STDIN and nothing else. */
const LONE_COPY = /^\s*copy\s[^;]*\sfrom\s+stdin\b[^;]*;?\s*$/i

/** Whether a statement may copy from the client, comments and all; mistaking another for it does no harm. */
const mayCopyIn = (sql: string) => /\bcopy\b/i.test(sql) && /\bstdin\b/i.test(sql)

const copyFail = (reason: string) => message('f', reason)

/** The data of one COPY, on its way in. */
export class CopyIn {
  readonly #statement: Message
  #data: Message[] = []
  #bytes = 0

  constructor (statement: Message) {
    this.#statement = statement
  }

  /** CopyInResponse: the client may send. Drivers ask it for text or binary only, so it names no columns. */
  get invitation (): Buffer {
    const isBinary = /\bbinary\b/i.test(sqlOf(this.#statement) ?? '')
    return message('G', Buffer.of(isBinary ? 1 : 0, 0, 0)).frame
  }

  /** Takes a message of the client's; returns what the backend is to execute once the data is complete. */
  add (next: Message): Message[] | null {
    if (next.type === 'd') {
      this.#bytes += next.frame.length
      if (this.#bytes <= COPY_MAX_BYTES) this.#data.push(next)
      else this.#data = []
    }
    if (next.type !== 'c' && next.type !== 'f') return null
    const isTooLong = this.#bytes > COPY_MAX_BYTES
    return [this.#statement, ...this.#data, isTooLong ? copyFail(`more than ${COPY_MAX_BYTES} bytes`) : next]
  }
}

/** Whether a batch is one COPY … FROM STDIN, which {@link CopyIn} can serve. */
export function startsCopy (batch: readonly Message[]): boolean {
  const [first, second] = batch
  return first?.type === 'Q' && second === undefined && LONE_COPY.test(sqlOf(first) ?? '')
}

/**
 * Makes a message harmless that hides a COPY … FROM STDIN among other things: a query is followed by CopyFail, which
 * the backend ignores unless it copies; a prepared statement is replaced by one whose error says what to do instead.
 */
export function guardCopy (original: Message): Message[] {
  if (!mayCopyIn(sqlOf(original) ?? '')) return [original]
  if (original.type === 'Q') return [original, copyFail('it has to be a query of its own')]
  return [message('P', '', 'SELECT "COPY FROM STDIN takes a simple query of its own here"()', Buffer.of(0, 0))]
}
