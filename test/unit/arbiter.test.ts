import { Arbiter, IDLE_IN_TRANSACTION_MS } from '../../server/db/embedded/arbiter.js'
import type { Client, Session } from '../../server/db/embedded/session.js'
import { message, query, splitMessages, stringAt, sync, type Message } from '../../server/db/embedded/wire.js'
import { eventually } from '../helpers/eventually.js'
import { FakeBackend } from '../helpers/fake-backend.js'

const parse = (name: string, sql: string) => message('P', name, sql, Buffer.of(0, 0))
const bind = (name: string) => message('B', '', name, Buffer.alloc(6))
const execute = message('E', '', Buffer.alloc(4))
const flush = message('H')
const copyData = message('d', Buffer.from('1\n'))
const copyDone = message('c')

class Peer implements Client {
  readonly received: Message[] = []
  readonly expelled: string[] = []
  isSlow = false
  readonly #arbiter: Arbiter
  readonly session: Session

  constructor (arbiter: Arbiter) {
    this.#arbiter = arbiter
    this.session = arbiter.join(this)
  }

  send (...messages: Message[]): void {
    for (const each of messages) this.#arbiter.submit(this.session, each)
  }

  leave (): void {
    this.#arbiter.leave(this.session)
  }

  /** Types of the messages received so far, in one word. */
  get types (): string {
    return this.received.map(({ type }) => type).join('')
  }

  write = (output: Buffer) => { this.received.push(...splitMessages(output)) }
  expel = (code: string) => { this.expelled.push(code) }
  isCongested = () => this.isSlow
  relieve = () => {}
}

let backend: FakeBackend
let arbiter: Arbiter
let failures: unknown[]
let a: Peer
let b: Peer

beforeEach(() => {
  backend = new FakeBackend()
  failures = []
  arbiter = new Arbiter(backend.execute, (error) => failures.push(error))
  a = new Peer(arbiter)
  b = new Peer(arbiter)
})

afterEach(async () => await arbiter.stop())

const statements = async (...expected: string[]) => await eventually(() => expect(backend.statements).toEqual(expected))

describe('who has the backend', () => {
  test('an extended-protocol request is not mixed with another client\'s', async () => {
    a.send(parse('', 'select a'), flush)
    b.send(parse('', 'select b'), bind(''), execute, sync)
    await eventually(() => expect(a.types).toBe('1'))
    a.send(bind(''), execute, sync)
    await eventually(() => expect(b.types).toBe('12CZ'))
    expect(backend.calls).toEqual([['P select a', 'H'], ['B', 'E', 'S'], ['P select b', 'B', 'E', 'S']])
    expect(a.types).toBe('12CZ')
  })

  test('a transaction has it to itself, and then those who waited get it in order', async () => {
    const c = new Peer(arbiter)
    a.send(query('begin'))
    await statements('begin')
    b.send(query('select b'))
    c.send(query('select c'))
    a.send(query('update a'))
    await statements('begin', 'update a')
    a.send(query('commit'))
    await statements('begin', 'update a', 'commit', 'select b', 'select c')
  })

  test('who pipelines takes turns with the others', async () => {
    a.send(query('a1'), query('a2'), query('a3'))
    b.send(query('b1'))
    await statements('a1', 'b1', 'a2', 'a3')
    expect(a.types).toBe('CZCZCZ')
    expect(b.types).toBe('CZ')
  })

  test('after an error in an extended-protocol request the backend is free at its Sync', async () => {
    a.send(parse('', 'fail'), flush)
    await eventually(() => expect(a.types).toBe('E'))
    b.send(query('select b'))
    a.send(query('is ignored'), bind(''), sync)
    await statements('is ignored', 'select b')
    expect(a.types).toBe('EZ')
  })

  test('a client that does not read gets no more until it does', async () => {
    a.isSlow = true
    a.send(query('select a'))
    b.send(query('select b'))
    await statements('select b')
    a.isSlow = false
    arbiter.wake(a.session)
    await statements('select b', 'select a')
  })

  test('when the backend fails, that is told once, and nothing more is executed', async () => {
    a.send(query('crash'))
    await eventually(() => expect(failures).toEqual([new Error('crashed')]))
    b.send(query('select b'))
    await arbiter.stop()
    expect(backend.statements).toEqual(['crash'])
    expect(failures).toHaveLength(1)
  })
})

describe('a client that has gone', () => {
  test('leaves no transaction behind', async () => {
    a.send(query('begin'))
    await statements('begin')
    b.send(query('select b'))
    a.leave()
    await eventually(() => expect(b.types).toBe('CZ'))
    expect(backend.statements).toEqual(['begin', 'ROLLBACK; RESET ALL', 'select b'])
  })

  test('leaves no request half-done', async () => {
    a.send(parse('', 'select a'), flush)
    await eventually(() => expect(a.types).toBe('1'))
    a.leave()
    b.send(query('select b'))
    await eventually(() => expect(b.types).toBe('CZ'))
    expect(backend.calls.slice(0, 2)).toEqual([['P select a', 'H'], ['S']])
  })

  test('has what it sent before executed, as Postgres does', async () => {
    a.send(query('insert a'))
    a.leave()
    await eventually(() => expect(backend.statements).toEqual(['insert a', 'ROLLBACK; RESET ALL']))
    expect(a.received).toEqual([])
  })

  test('leaves no prepared statement behind, nor takes those of others', async () => {
    const names: string[] = []
    arbiter = new Arbiter(async (bytes) => {
      for (const { type, frame } of splitMessages(bytes)) if ('PC'.includes(type)) names.push(`${type} ${stringAt(frame, type === 'P' ? 5 : 6).text}`)
      return await backend.execute(bytes)
    }, (error) => failures.push(error))
    const [first, second] = [new Peer(arbiter), new Peer(arbiter)]
    for (const peer of [first, second]) peer.send(parse('s', 'select 1'), sync)
    await eventually(() => expect(second.types).toBe('1Z'))
    first.leave()
    await eventually(() => expect(names).toHaveLength(3))
    const [ofFirst, ofSecond] = names
    expect(ofFirst).not.toBe(ofSecond)
    expect(names[2]).toBe(`C ${ofFirst?.slice(2)}`)
  })

  test('that sent nothing costs nothing', async () => {
    a.leave()
    b.send(query('select b'))
    await statements('select b')
  })
})

describe('notifications', () => {
  test('go to those who listen to their channel, and to nobody else', async () => {
    const c = new Peer(arbiter)
    a.send(query('LISTEN "Odd ""name"'), query('listen news'))
    b.send(query('listen other'))
    await eventually(() => expect(a.types + b.types).toBe('CZCZCZ'))
    c.send(query('notify news'))
    await eventually(() => expect(a.types).toBe('CZCZA'))
    expect(c.types).toBe('CZ')
    expect(b.types).toBe('CZ')
    expect([...a.session.channels]).toEqual(['Odd "name', 'news'])
  })

  test.each([['says so', (peer: Peer) => peer.send(query('unlisten news'))], ['goes', (peer: Peer) => peer.leave()]])('go on for others when one who listened %s', async (_case, stop) => {
    a.send(query('listen news'))
    b.send(query('listen news'))
    await eventually(() => expect(b.types).toBe('CZ'))
    stop(a)
    await eventually(() => expect(backend.statements.at(-1)).toBe('LISTEN "news"'))
    const before = a.types
    new Peer(arbiter).send(query('notify news'))
    await eventually(() => expect(b.types).toBe('CZA'))
    expect(a.types).toBe(before)
  })

  test('are not piled up for a client that does not read', async () => {
    a.send(query('listen news'))
    await eventually(() => expect(a.types).toBe('CZ'))
    a.isSlow = true
    b.send(query('notify news'))
    await eventually(() => expect(a.expelled).toEqual(['53400']))
  })
})

describe('COPY FROM STDIN', () => {
  test('is collected and executed in one piece, while others wait', async () => {
    a.send(query('copy t from stdin'))
    await eventually(() => expect(a.types).toBe('G'))
    b.send(query('select b'))
    a.send(copyData, copyData)
    expect(backend.calls).toEqual([])
    a.send(copyDone)
    await eventually(() => expect(b.types).toBe('CZ'))
    expect(backend.calls).toEqual([['Q copy t from stdin', 'd', 'd', 'c'], ['Q select b']])
    expect(a.types).toBe('GCZ')
  })

  test('is given up when its client goes', async () => {
    a.send(query('copy t from stdin'))
    await eventually(() => expect(a.types).toBe('G'))
    a.leave()
    b.send(query('select b'))
    await eventually(() => expect(b.types).toBe('CZ'))
    expect(backend.statements).not.toContain('copy t from stdin')
  })

  test('of a client that has gone already waits for no data', async () => {
    a.send(query('copy t from stdin'))
    a.leave()
    b.send(query('select b'))
    await statements('copy t from stdin', 'select b', 'ROLLBACK; RESET ALL')
    expect(backend.calls[0]).toEqual(['Q copy t from stdin', 'f'])
  })

  test('is cut off when a client sends something else meanwhile', async () => {
    a.send(query('copy t from stdin'), query('select a'))
    await eventually(() => expect(a.expelled).toEqual(['08P01']))
  })

  test('among other statements fails instead of leaving the backend waiting; what the client still sends is ignored', async () => {
    a.send(query('copy t from stdin; select 1'))
    await eventually(() => expect(a.types).toBe('EZ'))
    a.send(copyData, copyDone)
    b.send(query('select b'))
    await statements('copy t from stdin; select 1', 'select b')
    expect(backend.calls[0]).toEqual(['Q copy t from stdin; select 1', 'f'])
  })

  test('as a prepared statement is replaced by an error', async () => {
    a.send(parse('s', 'copy /* a comment */ t from stdin'), bind('s'), execute, sync)
    await eventually(() => expect(backend.calls).toHaveLength(1))
    expect(backend.calls[0]?.[0]).toMatch(/^P SELECT "COPY FROM STDIN takes a simple query/)
  })
})

describe('a transaction in which nothing is said', () => {
  beforeEach(() => { jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'Date', 'performance'] }) })
  afterEach(() => { jest.useRealTimers() })

  /** Lets the arbiter do all that it can without a timer. */
  const settle = async () => { for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve)) }

  test('ends after a minute, whatever the others do meanwhile', async () => {
    a.send(query('begin'))
    await settle()
    jest.advanceTimersByTime(IDLE_IN_TRANSACTION_MS / 2)
    b.send(query('select b'))
    await settle()
    jest.advanceTimersByTime(IDLE_IN_TRANSACTION_MS / 2 - 1)
    expect(a.expelled).toEqual([])
    jest.advanceTimersByTime(1)
    expect(a.expelled).toEqual(['25P03'])
    a.leave()
    await settle()
    expect(b.types).toBe('CZ')
  })

  test('goes on as long as something is said', async () => {
    a.send(query('begin'))
    await settle()
    for (let round = 0; round < 3; round++) {
      jest.advanceTimersByTime(IDLE_IN_TRANSACTION_MS - 1)
      a.send(query('select a'))
      await settle()
    }
    expect(a.expelled).toEqual([])
  })

  test('is none of an idle client\'s concern', async () => {
    a.send(query('select a'))
    await settle()
    jest.advanceTimersByTime(2 * IDLE_IN_TRANSACTION_MS)
    expect(a.expelled).toEqual([])
  })
})
