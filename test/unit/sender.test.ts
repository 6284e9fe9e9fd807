import { addressPolicy } from '../../server/outbound/sending/address-policy.js'
import type { AttemptResult } from '../../server/outbound/sending/outcome.js'
import type { Lookup } from '../../server/outbound/sending/resolve.js'
import { createSender, targetOf, type Sender } from '../../server/outbound/sending/sender.js'
import { post } from '../helpers/http-request.js'
import { Receiver } from '../helpers/receiver.js'
import { onRequest, TcpServer } from '../helpers/tcp.js'

const OPEN = addressPolicy(['127.0.0.0/8'])

let receiver: Receiver
let sender: Sender

beforeAll(async () => { receiver = await Receiver.start() })
afterAll(async () => { await receiver.stop() })
beforeEach(() => { receiver.answer(200) })
afterEach(async () => { await sender?.close() })

/** A DNS whose answers are played: one list of addresses a look-up, the last one for ever. */
function dns (...answers: string[][]): Lookup {
  return async () => {
    const addresses = (answers.length > 1 ? answers.shift() : answers[0]) ?? []
    return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  }
}

const request = (host: string) => {
  const url = new URL(receiver.url('/x?y=z'))
  url.hostname = host
  return post(url.href)
}

describe('a URL', () => {
  test.each([
    ['https://hooks.example.com/a%20b?c=d#e', { origin: 'https://hooks.example.com', path: '/a%20b?c=d' }],
    ['http://127.1:8080', { origin: 'http://127.0.0.1:8080', path: '/' }],
    ['ftp://example.com/', undefined],
    ['nonsense', undefined]
  ])('%s', (url, target) => {
    expect(targetOf(url)).toEqual(target)
  })
})

describe('addresses', () => {
  test.each([
    ['a private address', ['10.0.0.1']],
    ['loopback', ['127.0.0.1']],
    ['a public and a private address', ['93.184.216.34', '127.0.0.1']],
    ['the metadata service', ['169.254.169.254']],
    ['loopback in IPv6', ['::1']],
    ['mapped loopback', ['::ffff:127.0.0.1']]
  ])('a name that resolves to %s is not connected to', async (_what, addresses) => {
    sender = createSender(addressPolicy([]), 1, { lookup: dns(addresses) })
    expect(await sender.send(request('hooks.example.com'))).toMatchObject({ kind: 'failure', error: 'blocked_address', trace: { address: null } })
  })

  test.each(['127.0.0.1', '[::1]', 'localhost', 'localhost.'])('the literal address %s is not connected to either', async (host) => {
    sender = createSender(addressPolicy([]), 1)
    expect(await sender.send(request(host))).toMatchObject({ kind: 'failure', error: 'blocked_address' })
  })

  test('localhost is this machine, whoever answers for the name', async () => {
    sender = createSender(OPEN, 1, { lookup: dns(['10.0.0.1']) })
    expect(await sender.send(request('localhost'))).toMatchObject({ kind: 'response', status: 200, trace: { address: '127.0.0.1', dnsMs: null } })
  })

  test('the connection goes to the address that was judged: a name that answers differently the second time gains nothing', async () => {
    sender = createSender(addressPolicy(['127.0.0.1/32']), 1, { lookup: dns(['127.0.0.1'], ['10.0.0.1']) })
    expect(await sender.send(request('rebinding.example.com'))).toMatchObject({ kind: 'response', status: 200 })
    // Kept alive: no second look-up.
    expect(await sender.send(request('rebinding.example.com'))).toMatchObject({ kind: 'response', status: 200 })
    expect(await sender.send(post('http://rebinding.example.com:1/'))).toMatchObject({ error: 'blocked_address' })
  })
})

describe('the trace of an attempt', () => {
  test('tells the phases of a new connection, and that the next request needed none', async () => {
    sender = createSender(OPEN, 1, { lookup: dns(['127.0.0.1']) })
    const some = expect.any(Number)
    expect(await sender.send(request('hooks.example.com'))).toMatchObject({
      trace: { address: '127.0.0.1', reused: false, dnsMs: some, connectMs: some, tlsMs: null, firstByteMs: some }
    })
    expect(await sender.send(request('hooks.example.com'))).toMatchObject({
      trace: { address: '127.0.0.1', reused: true, dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: some }
    })
  })

  test('counts anew when the receiver has closed the connection', async () => {
    const closing = await TcpServer.start((socket) => onRequest(socket, () => socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')))
    sender = createSender(OPEN, 1)
    for (let count = 1; count <= 3; count++) {
      expect(await sender.send(post(closing.url()))).toMatchObject({ status: 200, trace: { reused: false, connectMs: expect.any(Number) } })
      expect(closing.connections).toBe(count)
    }
    await closing.stop()
  })

  test('keeps each request to its connection', async () => {
    sender = createSender(OPEN, 4)
    const first = await Promise.all([1, 2, 3, 4].map(async () => await sender.send(request('127.0.0.1'))))
    const second = await Promise.all([1, 2, 3, 4].map(async () => await sender.send(request('127.0.0.1'))))
    const reused = (results: AttemptResult[]) => results.map((result) => result.kind !== 'unsent' && result.trace.reused)
    expect(reused(first)).toEqual([false, false, false, false])
    expect(reused(second)).toEqual([true, true, true, true])
  })
})

describe('a response', () => {
  test('keeps its headers, in lower case, repeated ones as a list', async () => {
    receiver.answer((_request, response) => response.writeHead(418, [['X-Word', 'a'], ['x-word', 'b'], ['Set-Cookie', 'c=d'], ['__proto__', 'polluted'], ['constructor', 'e']] as never).end())
    sender = createSender(OPEN, 1)
    const result = await sender.send(request('127.0.0.1'))
    expect(result).toMatchObject({ status: 418, headers: { 'x-word': 'a, b', 'set-cookie': 'c=d', constructor: 'e' } })
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  test('after interim ones is the last one', async () => {
    receiver.answer((_request, response) => {
      response.writeEarlyHints({ link: '</style.css>; rel=preload' })
      response.writeHead(201).end('made')
    })
    sender = createSender(OPEN, 1)
    expect(await sender.send(request('127.0.0.1'))).toMatchObject({ status: 201, body: 'made' })
  })

  test('that comes in single bytes is put together', async () => {
    const text = 'Größe: 5 €'
    receiver.answer((_request, response) => {
      response.writeHead(200)
      for (const byte of Buffer.from(text)) response.write(Buffer.of(byte))
      response.end()
    })
    sender = createSender(OPEN, 1)
    expect(await sender.send(request('127.0.0.1'))).toMatchObject({ body: text })
  })

  test.each([
    ['just fits is read, and its connection kept', 16_384, true],
    ['is one byte too long is cut, and its connection given up', 16_385, false]
  ])('whose body %s', async (_what, size, isKept) => {
    receiver.answer((_request, response) => response.writeHead(200).end('x'.repeat(size)))
    sender = createSender(OPEN, 1)
    expect(await sender.send(request('127.0.0.1'))).toMatchObject({ body: 'x'.repeat(16_384) })
    expect(await sender.send(request('127.0.0.1'))).toMatchObject({ trace: { reused: isKept } })
  })

  test('holds nothing that Postgres cannot store', async () => {
    receiver.answer((_request, response) => response.writeHead(200).end('a\0b'))
    sender = createSender(OPEN, 1)
    expect(await sender.send(request('127.0.0.1'))).toMatchObject({ body: 'a\uFFFDb' })
  })
})

describe('requests', () => {
  test('may be of other methods, without a body', async () => {
    const methods: string[] = []
    const tcp = await TcpServer.start((socket) => socket.on('data', (chunk: Buffer) => {
      methods.push(chunk.toString().split('\r\n', 1)[0] ?? '')
      socket.write('HTTP/1.1 204 No Content\r\n\r\n')
    }))
    sender = createSender(OPEN, 1)
    for (const method of ['DELETE', 'PUT', 'PATCH'] as const) {
      expect(await sender.send({ ...post(tcp.url('/hook')), method, headers: [], body: null })).toMatchObject({ status: 204 })
    }
    expect(methods).toEqual(['DELETE /hook HTTP/1.1', 'PUT /hook HTTP/1.1', 'PATCH /hook HTTP/1.1'])
    await tcp.stop()
  })

  test.each([
    ['a header that cannot be sent', { headers: ['x-word', 'a\r\nx-smuggled: b'] }, 'invalid_request'],
    ['a path that cannot be sent', { path: 'elsewhere' }, 'invalid_request'],
    ['an origin that is none', { origin: 'nowhere' }, 'invalid_url']
  ])('with %s fail, and the next one is sent', async (_what, change, error) => {
    sender = createSender(OPEN, 1)
    const wrong = { ...request('127.0.0.1'), ...change }
    const results = await Promise.all([sender.send(wrong), sender.send(wrong), sender.send(request('127.0.0.1'))])
    expect(results).toMatchObject([{ error }, { error }, { status: 200 }])
    expect(receiver.received.filter(({ headers }) => 'x-smuggled' in headers)).toEqual([])
  })
})

describe('waiting for a connection', () => {
  test('is told apart from the receiver\'s time: who waited too long was not sent', async () => {
    const held: Array<() => void> = []
    receiver.answer((_request, response) => { held.push(() => response.writeHead(200).end()) })
    const before = receiver.received.length
    sender = createSender(OPEN, 2, { waitMs: 300 })
    const sending = Array.from({ length: 5 }, async () => await sender.send(request('127.0.0.1')))
    const waited = await Promise.all(sending.slice(2))
    expect(waited).toEqual([1, 2, 3].map(() => ({ kind: 'unsent', durationMs: expect.any(Number) })))
    expect(receiver.received.length - before).toBe(2)
    held.forEach((answer) => answer())
    expect(await Promise.all(sending.slice(0, 2))).toMatchObject([{ status: 200 }, { status: 200 }])
    // Those who gave up are out of the queue: the next one is sent at once, over a connection that was kept.
    receiver.answer(200)
    expect(await sender.send(request('127.0.0.1'))).toMatchObject({ status: 200, trace: { reused: true } })
    expect(receiver.received.length - before).toBe(3)
  })

  test('ends in order, as connections become free', async () => {
    const order: number[] = []
    sender = createSender(OPEN, 1)
    await Promise.all([0, 1, 2, 3, 4, 5].map(async (number) => {
      await sender.send(request('127.0.0.1'))
      order.push(number)
    }))
    expect(order).toEqual([0, 1, 2, 3, 4, 5])
  })

  test('also ends when the connection breaks that was waited for', async () => {
    let count = 0
    const tcp = await TcpServer.start((socket) => onRequest(socket, () => {
      if (count++ === 0) socket.resetAndDestroy()
      else socket.write('HTTP/1.1 204 No Content\r\n\r\n')
    }))
    sender = createSender(OPEN, 1)
    const results = await Promise.all([1, 2, 3].map(async () => await sender.send(post(tcp.url()))))
    expect(results).toMatchObject([{ error: 'connection_reset' }, { status: 204, trace: { reused: false } }, { status: 204, trace: { reused: true } }])
    await tcp.stop()
  })
})

test('after its end nothing is sent, and what was under way has failed', async () => {
  const tcp = await TcpServer.start(() => {})
  sender = createSender(OPEN, 1)
  const underWay = [sender.send(post(tcp.url())), sender.send(post(tcp.url()))]
  while (tcp.connections === 0) await new Promise((resolve) => setImmediate(resolve))
  await sender.close()
  expect(await Promise.all(underWay)).toMatchObject([{ kind: 'failure' }, { kind: 'unsent' }])
  expect(await sender.send(request('127.0.0.1'))).toMatchObject({ kind: 'unsent' })
  await tcp.stop()
})
