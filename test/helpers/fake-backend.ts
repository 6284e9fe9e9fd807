import { splitMessages, message, sqlOf } from '../../server/db/embedded/wire.js'

const ready = (status: string) => message('Z', Buffer.from(status)).frame
const complete = (tag: string) => message('C', tag).frame
export const failure = message('E', 'SERROR', 'C42601', 'Msyntax error', Buffer.of(0)).frame

/**
 * Answers protocol messages as a Postgres with one session does, as far as the arbiter can tell the difference. A query
 * whose text begins with `fail` fails; `notify <channel>` notifies; `crash` throws.
 */
export class FakeBackend {
  /** What it was given, one entry a call: types of messages, with the SQL of queries and prepared statements. */
  readonly calls: string[][] = []
  #status = 'I'
  #isSkipping = false

  execute = async (bytes: Buffer): Promise<Buffer> => {
    const messages = splitMessages(bytes)
    this.calls.push(messages.map((each) => [each.type, sqlOf(each)].filter(Boolean).join(' ')))
    const copyEnd = messages.findLast(({ type }) => 'cf'.includes(type))?.type
    return Buffer.concat(messages.map((each) => this.#answer(each.type, sqlOf(each), copyEnd)))
  }

  /** All SQL that it was given, in order. */
  get statements (): string[] {
    return this.calls.flat().filter((entry) => entry.startsWith('Q ')).map((entry) => entry.slice(2))
  }

  #answer (type: string, sql: string | null, copyEnd: string | undefined): Buffer {
    if (type === 'S') this.#isSkipping = false
    if (type === 'S') return ready(this.#status)
    if (this.#isSkipping || 'dcfHX'.includes(type)) return Buffer.alloc(0)
    if (type === 'Q') return this.#query(sql ?? '', copyEnd)
    this.#isSkipping = sql?.startsWith('fail') ?? false
    return this.#isSkipping ? failure : message({ P: '1', B: '2', C: '3', D: 'n', E: 'C' }[type] ?? '', ...(type === 'E' ? ['SELECT 1'] : [])).frame
  }

  #query (sql: string, copyEnd: string | undefined): Buffer {
    const [verb = '', object = ''] = sql.toLowerCase().split(/[\s;]+/)
    if (verb === 'crash') throw new Error('crashed')
    if (verb === 'begin') this.#status = 'T'
    if (verb === 'commit' || verb === 'rollback') this.#status = 'I'
    if (verb === 'fail') return Buffer.concat([failure, ready(this.#status)])
    const notification = verb === 'notify' ? [message('A', Buffer.alloc(4), object, 'payload').frame] : []
    if (verb === 'copy') {
      const invitation = message('G', Buffer.of(0, 0, 0)).frame
      return Buffer.concat([invitation, copyEnd === 'c' ? complete('COPY 1') : failure, ready(this.#status)])
    }
    return Buffer.concat([complete(verb.toUpperCase()), ...notification, ready(this.#status)])
  }
}
