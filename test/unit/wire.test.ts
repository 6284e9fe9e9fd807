import { answerStartup, startupPacket } from '../../server/db/embedded/startup.js'
import { readOutput } from '../../server/db/embedded/output.js'
import {
  MAX_MESSAGE_BYTES, message, MessageReader, ProtocolError, qualifyStatement, query, splitMessages, sqlOf, sync, type Message
} from '../../server/db/embedded/wire.js'

const startup: Message = { type: '', frame: startupPacket() }
const int16 = (value: number) => Buffer.of(value >> 8, value & 255)

/** A startup packet with a code in place of a version. */
function packet (code: number, ...parameters: string[]): Message {
  const body = Buffer.from(parameters.map((text) => `${text}\0`).join('') + '\0')
  const head = Buffer.alloc(8)
  head.writeUInt32BE(8 + body.length, 0)
  head.writeUInt32BE(code, 4)
  return { type: '', frame: Buffer.concat([head, body]) }
}

function readAll (reader: MessageReader, chunks: readonly Buffer[]): Message[] {
  const messages: Message[] = []
  for (const chunk of chunks) {
    reader.push(chunk)
    for (let next = reader.next(messages.length === 0 ? 'startup' : 'typed'); next !== null; next = reader.next('typed')) messages.push(next)
  }
  return messages
}

describe('reading messages', () => {
  const messages = [startup, query('select 1'), message('P', 'name', 'select $1', int16(0)), sync]
  const stream = Buffer.concat(messages.map(({ frame }) => frame))

  test.each([1, 2, 3, 5, 7, 64, stream.length])('pieces of %i bytes make the same messages', (size) => {
    const chunks = Array.from({ length: Math.ceil(stream.length / size) }, (_, index) => stream.subarray(index * size, (index + 1) * size))
    expect(readAll(new MessageReader(), chunks)).toEqual(messages)
  })

  test('a message of several megabytes in many pieces is put together', () => {
    const long = query(`select '${'x'.repeat(5_000_000)}'`)
    const chunks = Array.from({ length: Math.ceil(long.frame.length / 65536) }, (_, index) => long.frame.subarray(index * 65536, (index + 1) * 65536))
    const read = readAll(new MessageReader(), [startup.frame, ...chunks])
    expect(read[1]?.frame.equals(long.frame)).toBe(true)
  })

  test.each([
    ['longer than the limit', Buffer.concat([Buffer.from('Q'), int16(MAX_MESSAGE_BYTES >> 16), int16(1)])],
    ['shorter than its own length', Buffer.from([0x51, 0, 0, 0, 3])],
    ['of a type that clients do not send', Buffer.from([0x21, 0, 0, 0, 4])]
  ])('a message %s is refused as soon as its head is there', (_case, head) => {
    const reader = new MessageReader()
    reader.push(head)
    expect(() => reader.next('typed')).toThrow(ProtocolError)
  })

  test('a startup packet is refused beyond the limit of Postgres', () => {
    const reader = new MessageReader()
    reader.push(Buffer.from([0, 0, 0x27, 0x11]))
    expect(() => reader.next('startup')).toThrow(ProtocolError)
  })
})

describe('the beginning of a session', () => {
  const greeting = Buffer.from('greeting')

  test.each([['TLS', 80877103], ['GSS', 80877104]])('%s is declined, and the client goes on without', (_name, code) => {
    expect(answerStartup(packet(code), greeting)).toEqual({ reply: Buffer.from('N'), isStarted: false })
  })

  test.each([['a request to cancel', 80877102], ['protocol 2.0', 2 << 16], ['nonsense', 7]])('%s ends the connection', (_name, code) => {
    expect(answerStartup(packet(code), greeting)).toBe('close')
  })

  test('protocol 3.0 is greeted', () => {
    expect(answerStartup(startup, greeting)).toEqual({ reply: greeting, isStarted: true })
  })

  test('a newer protocol 3 is told, with what it cannot have, and then greeted', () => {
    const step = answerStartup(packet(3 << 16 | 2, 'user', 'postgres', '_pq_.report', 'x'), greeting)
    if (step === 'close') throw new Error('closed')
    const negotiation = step.reply.subarray(0, -greeting.length)
    expect(splitMessages(negotiation)).toEqual([message('v', Buffer.from([0, 3, 0, 0, 0, 0, 0, 1]), '_pq_.report')])
    expect(step.reply.subarray(-greeting.length)).toEqual(greeting)
  })
})

describe('prepared statements', () => {
  const names: Array<[string, Message, Message]> = [
    ['Parse', message('P', 's1', 'select 1', int16(0)), message('P', '7_s1', 'select 1', int16(0))],
    ['Bind', message('B', 'portal', 's1', int16(0), int16(0), int16(0)), message('B', 'portal', '7_s1', int16(0), int16(0), int16(0))],
    ['Describe', message('D', Buffer.from('S'), 's1'), message('D', Buffer.from('S'), '7_s1')],
    ['Close', message('C', Buffer.from('S'), 's1'), message('C', Buffer.from('S'), '7_s1')]
  ]
  test.each(names)('%s gets the name that is the client\'s own', (_type, original, expected) => {
    expect(qualifyStatement(original, '7_')).toEqual({ message: expected, name: 's1' })
  })

  test.each([
    ['an unnamed statement', message('P', '', 'select 1', int16(0))],
    ['a portal', message('D', Buffer.from('P'), 's1')],
    ['a query', query('select 1')]
  ])('%s stays as it is', (_case, original) => {
    expect(qualifyStatement(original, '7_')).toEqual({ message: original, name: null })
  })

  test('cut-off messages do no harm', () => {
    expect(qualifyStatement(message('B', Buffer.from('portal')), '7_').name).toBeNull()
    expect(sqlOf(message('P', Buffer.from('name')))).toBe('')
  })
})

describe('output', () => {
  const row = message('D', Buffer.from('row')).frame
  const notification = message('A', Buffer.alloc(4), 'channel', 'payload').frame

  test('notifications are taken out, wherever they stand', () => {
    const output = readOutput(Buffer.concat([row, notification, message('C', 'SELECT 1').frame, notification, message('Z', Buffer.from('T')).frame]))
    expect(splitMessages(output.answer).map(({ type }) => type)).toEqual(['D', 'C', 'Z'])
    expect(output.notifications).toEqual([{ channel: 'channel', frame: notification }, { channel: 'channel', frame: notification }])
    expect(output.status).toBe('T')
  })

  test('without ReadyForQuery at its end there is no status', () => {
    expect(readOutput(row)).toMatchObject({ answer: row, status: null })
    expect(readOutput(Buffer.alloc(0))).toMatchObject({ status: null })
  })
})
