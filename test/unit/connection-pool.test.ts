import { addressPolicy } from '../../server/outbound/sending/address-policy.js'
import { Attempt } from '../../server/outbound/sending/attempt.js'
import { ConnectionPool, type PoolOptions } from '../../server/outbound/sending/connection-pool.js'
import { guardedConnector } from '../../server/outbound/sending/connector.js'
import { Deadlines } from '../../server/outbound/sending/deadlines.js'
import type { AttemptResult } from '../../server/outbound/sending/outcome.js'
import { eventually } from '../helpers/eventually.js'
import { post } from '../helpers/http-request.js'
import { onRequest, TcpServer } from '../helpers/tcp.js'

/** All names are this machine: any number of origins. */
const everywhere = guardedConnector({ policy: addressPolicy(['127.0.0.0/8']), lookup: async () => [{ address: '127.0.0.1', family: 4 }], timeoutMs: 5_000 })

let tcp: TcpServer
let pool: ConnectionPool
let answer: string

beforeAll(async () => { tcp = await TcpServer.start((socket) => onRequest(socket, () => socket.write(answer))) })
afterAll(async () => { await tcp.stop() })
beforeEach(() => { answer = 'HTTP/1.1 204 No Content\r\n\r\n' })
afterEach(async () => { await pool.close() })

function open (options: Partial<PoolOptions>): ConnectionPool {
  pool = new ConnectionPool({ connect: everywhere, connectionsPerOrigin: 4, idleConnections: 1_000, idleMs: 30_000, waitMs: 5_000, ...options })
  return pool
}

async function send (url: string): Promise<AttemptResult> {
  return await new Promise((resolve) => new Attempt({ pool, deadlines: new Deadlines<Attempt>(5_000, (attempt) => attempt.expire(5_000)) }, post(url), resolve).start())
}

const origin = (number: number) => `http://h${number}.example.com:${tcp.port}/`
const numbers = (count: number) => Array.from({ length: count }, (_, number) => number)

describe('very many origins', () => {
  test('are forgotten when their connections have idled', async () => {
    open({ idleMs: 200 })
    const results = await Promise.all(numbers(200).map(async (number) => await send(origin(number))))
    expect(results.filter((result) => result.kind === 'response')).toHaveLength(200)
    await eventually(() => expect(pool).toMatchObject({ originCount: 0, idleCount: 0 }))
  })

  test('share the connections that are kept: the longest idle go first', async () => {
    open({ idleConnections: 10 })
    for (const number of numbers(30)) await send(origin(number))
    expect(pool).toMatchObject({ originCount: 10, idleCount: 10 })
    expect(await send(origin(25))).toMatchObject({ trace: { reused: true } })
    expect(await send(origin(0))).toMatchObject({ trace: { reused: false } })
    expect(pool).toMatchObject({ originCount: 10, idleCount: 10 })
    expect(await send(origin(25))).toMatchObject({ trace: { reused: true } })
  })

  test.each([
    ['refuse connections', () => 'http://127.0.0.1:1/', { error: 'connection_failed' }],
    ['are forbidden', () => 'http://10.0.0.1/', { error: 'blocked_address' }],
    ['close after each answer', origin, { status: 200 }]
  ])('that %s leave nothing', async (_what, urlOf, result) => {
    answer = 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'
    open({})
    expect(await Promise.all(numbers(10).map(async (number) => await send(urlOf(number))))).toMatchObject(Array(10).fill(result))
    await eventually(() => expect(pool).toMatchObject({ originCount: 0, idleCount: 0 }))
  })
})

test('a connection that the receiver closed while it idled is not kept', async () => {
  open({})
  await send(tcp.url())
  expect(pool.idleCount).toBe(1)
  tcp.disconnect()
  await eventually(() => expect(pool).toMatchObject({ originCount: 0, idleCount: 0 }))
})

test('an origin gets as many connections as it may have, and no more', async () => {
  open({ connectionsPerOrigin: 3 })
  const before = tcp.connections
  await Promise.all(numbers(50).map(async () => await send(tcp.url())))
  expect(tcp.connections - before).toBe(3)
  expect(pool.idleCount).toBe(3)
})

test.each(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'])('a machine that can make no connection (%s) has sent nothing, and blames nobody', async (code) => {
  open({ connect: (_options, _phases, callback) => callback(Object.assign(new Error(`connect ${code}`), { code }), null) })
  expect(await send(tcp.url())).toMatchObject({ kind: 'unsent' })
  await eventually(() => expect(pool.originCount).toBe(0))
})
