import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { addressPolicy } from '../../server/outbound/sending/address-policy.js'
import { decide, type AttemptResult, type Decision } from '../../server/outbound/sending/outcome.js'
import { dnsLookup } from '../../server/outbound/sending/resolve.js'
import { createSender, type Sender, type SenderOptions } from '../../server/outbound/sending/sender.js'
import { DnsServer, type DnsAnswer } from '../helpers/dns.js'
import { post } from '../helpers/http-request.js'
import { onRequest, TcpServer } from '../helpers/tcp.js'

/** Every failure really happens, on real sockets; each row says what the attempt comes to, and what that means for the delivery. */
const OPEN = addressPolicy(['127.0.0.0/8'])
const SCHEDULE = [5_000]
const ATTEMPT_MS = 300
const retried = (slowDown: boolean): Decision => ({ status: 'retry', delayMs: 5_000, counts: true, slowDown, throttledForMs: null })
const delivered: Decision = { status: 'delivered', slowDown: false, throttledForMs: null }

let sender: Sender
let tcp: TcpServer | undefined
let dns: DnsServer | undefined
let tls: TlsServer | undefined

afterEach(async () => {
  await sender.close()
  await tcp?.stop()
  await dns?.stop()
  tls?.close()
  tcp = dns = tls = undefined
})

const decision = (result: AttemptResult) => decide(result, { attempts: 0, retryCount: 0, ageMs: 0 }, SCHEDULE, Date.now(), 0)

async function attempt (url: string, options: SenderOptions = {}, policy = OPEN): Promise<AttemptResult> {
  sender = createSender(policy, 4, { attemptMs: ATTEMPT_MS, ...options })
  return await sender.send(post(url))
}

/** Writes a piece every so often, for as long as the connection stands. */
function drip (socket: Socket, piece: string | Buffer): void {
  const timer = setInterval(() => socket.write(piece), 10)
  socket.on('close', () => clearInterval(timer))
}

function flood (socket: Socket, piece: string): void {
  const write = () => { while (!socket.destroyed && socket.write(piece)); }
  socket.on('drain', write)
  write()
}

const OK = 'HTTP/1.1 200 OK\r\n'
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`

type Row = [what: string, behave: (socket: Socket) => void, result: object, decided: Decision]

const TIMEOUTS: Row[] = [
  ['says nothing', () => {}, { error: 'timeout', detail: 'No answer within 0.3 s', trace: { firstByteMs: null, address: '127.0.0.1' } }, retried(true)],
  ['drips its headers', (socket) => { socket.write(`${OK}X-Slow: `); drip(socket, 'a') }, { error: 'timeout', detail: 'No complete headers within 0.3 s', trace: { firstByteMs: expect.any(Number) } }, retried(true)],
  ['never stops with interim answers', (socket) => drip(socket, 'HTTP/1.1 103 Early Hints\r\n\r\n'), { error: 'timeout' }, retried(true)],
  ['drips its body', (socket) => { socket.write(CHUNKED); drip(socket, '1\r\na\r\n') }, { error: 'timeout', detail: 'No complete body within 0.3 s' }, retried(true)],
  ['stops in its body', (socket) => socket.write(`${OK}Content-Length: 100\r\n\r\nhalf`), { error: 'timeout', detail: 'No complete body within 0.3 s' }, retried(true)],
  ['sends a body without end in single bytes', (socket) => { socket.write(CHUNKED); flood(socket, '1\r\na\r\n'.repeat(1_000)) }, { status: 200, bodySize: 16_384 }, delivered],
  ['sends a body without end', (socket) => { socket.write(CHUNKED); flood(socket, `10000\r\n${'a'.repeat(65_536)}\r\n`) }, { status: 200, bodySize: 16_384 }, delivered],
  ['fails with a body without end', (socket) => { socket.write(CHUNKED.replace('200 OK', '503 No')); flood(socket, `10000\r\n${'a'.repeat(65_536)}\r\n`) }, { status: 503, bodySize: 16_384 }, retried(true)]
]

const BROKEN: Row[] = [
  ['resets', (socket) => socket.resetAndDestroy(), { error: 'connection_reset' }, retried(true)],
  ['closes without a word', (socket) => socket.end(), { error: 'connection_reset' }, retried(true)],
  ['resets in its body', (socket) => { socket.write(`${OK}Content-Length: 100\r\n\r\nhalf`, () => socket.resetAndDestroy()) }, { error: 'connection_reset' }, retried(true)],
  ['ends before its body does', (socket) => socket.end(`${OK}Content-Length: 100\r\n\r\nhalf`), { error: 'connection_reset' }, retried(true)],
  ['speaks no HTTP', (socket) => socket.write('220 mail.example.com ESMTP\r\n'), { error: 'invalid_response' }, retried(false)],
  ['has two lengths', (socket) => socket.write(`${OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`), { error: 'invalid_response' }, retried(false)],
  ['has NUL in its headers', (socket) => socket.write(`${OK}X-Word: a\0b\r\nContent-Length: 0\r\n\r\n`), { error: 'invalid_response' }, retried(false)],
  ['has headers over 32 KB', (socket) => socket.write(`${OK}X-Long: ${'a'.repeat(40_000)}\r\nContent-Length: 0\r\n\r\n`), { error: 'invalid_response' }, retried(false)],
  ['has headers without end', (socket) => { socket.write(OK); flood(socket, `X-More: ${'a'.repeat(1_000)}\r\n`) }, { error: 'invalid_response' }, retried(false)],
  ['wants to speak something else', (socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n'), { error: 'connection_reset' }, retried(true)],
  ['redirects to itself', (socket) => socket.write('HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n'), { status: 302 }, retried(false)],
  ['claims to be compressed', (socket) => socket.write(`${OK}Content-Encoding: gzip\r\nContent-Length: 8\r\n\r\nnot gzip`), { status: 200, body: 'not gzip' }, delivered]
]

test.each([...TIMEOUTS, ...BROKEN])('a receiver that %s', async (_what, behave, expected, decided) => {
  let requests = 0
  tcp = await TcpServer.start((socket) => onRequest(socket, () => {
    requests++
    behave(socket)
  }))
  const result = await attempt(tcp.url())
  expect({ ...result, bodySize: result.kind === 'response' && result.body.length }).toMatchObject(expected)
  expect(decision(result)).toEqual(decided)
  expect(requests).toBe(1)
})

test('one connection that hangs leaves the others alone', async () => {
  let requests = 0
  tcp = await TcpServer.start((socket) => onRequest(socket, () => { if (++requests !== 1) socket.write(`${OK}Content-Length: 0\r\n\r\n`) }))
  const hangs = attempt(tcp.url())
  const others = await Promise.all([1, 2, 3].map(async () => await sender.send(post(tcp?.url() ?? ''))))
  expect(others).toMatchObject([{ status: 200 }, { status: 200 }, { status: 200 }])
  expect(await hangs).toMatchObject({ error: 'timeout' })
})

test('a receiver that refuses connections', async () => {
  const gone = await TcpServer.start(() => {})
  const url = gone.url()
  await gone.stop()
  const result = await attempt(url)
  expect(result).toMatchObject({ error: 'connection_failed', detail: expect.stringContaining('ECONNREFUSED'), trace: { address: null } })
  expect(decision(result)).toEqual(retried(true))
})

test('a blocked address', async () => {
  tcp = await TcpServer.start(() => {})
  const result = await attempt(tcp.url(), {}, addressPolicy([]))
  expect(result).toMatchObject({ error: 'blocked_address' })
  expect(decision(result)).toEqual(retried(false))
  expect(tcp.connections).toBe(0)
})

describe('a name', () => {
  test.each<[string, DnsAnswer, object, boolean]>([
    ['that does not exist', 'no such name', { error: 'dns_failed', detail: expect.stringContaining('ENOTFOUND') }, false],
    ['without addresses', [], { error: 'dns_failed', detail: expect.stringContaining('ENODATA') }, false],
    ['that nobody answers for', 'silence', { error: 'dns_failed', detail: expect.stringContaining('ETIMEOUT') }, false],
    ['of a private address', ['10.0.0.1'], { error: 'blocked_address' }, false],
    ['of an allowed and a private address of the same name', ['10.0.0.1', '93.184.216.34'], { error: 'blocked_address' }, false]
  ])('%s', async (_what, answer, expected, slowDown) => {
    dns = await DnsServer.start(() => answer)
    const result = await attempt('http://hooks.example.com/', { lookup: dnsLookup([dns.address]) })
    expect(result).toMatchObject({ ...expected, trace: { address: null, connectMs: null } })
    expect(decision(result)).toEqual(retried(slowDown))
  })

  test('whose servers keep silent does not hold up another one', async () => {
    tcp = await TcpServer.start((socket) => onRequest(socket, () => socket.write(`${OK}Content-Length: 0\r\n\r\n`)))
    dns = await DnsServer.start((name) => name.startsWith('silent') ? 'silence' : ['127.0.0.1'])
    sender = createSender(OPEN, 4, { lookup: dnsLookup([dns.address]) })
    let settled = 0
    const silent = Array.from({ length: 20 }, async (_, number) => {
      const result = await sender.send(post(`http://silent${number}.example.com/`))
      settled++
      return result
    })
    expect(await sender.send(post(`http://hooks.example.com:${tcp.port}/`))).toMatchObject({ status: 200 })
    expect(settled).toBe(0)
    expect(await Promise.all(silent)).toMatchObject(Array(20).fill({ error: 'dns_failed' }))
  })
})

describe('over TLS', () => {
  const pem = (name: string) => readFileSync(join(__dirname, '../fixtures', name), 'utf8')
  const certificate = pem('tls-certificate.pem')

  /** @returns the URL of a receiver that is who its certificate says: hooks.example.com. */
  async function receiver (): Promise<string> {
    tls = createTlsServer({ key: pem('tls-key.pem'), cert: certificate }, (socket) => {
      socket.on('error', () => {})
      onRequest(socket, () => socket.write(`${OK}Content-Length: 2\r\n\r\nok`))
    }).listen(0, '127.0.0.1')
    await once(tls, 'listening')
    return `https://hooks.example.com:${(tls.address() as AddressInfo).port}/`
  }

  const lookup = async () => [{ address: '127.0.0.1', family: 4 }]

  test('a receiver that proves who it is', async () => {
    const url = await receiver()
    const result = await attempt(url, { lookup, ca: certificate })
    const some = expect.any(Number)
    expect(result).toMatchObject({ status: 200, trace: { address: '127.0.0.1', reused: false, dnsMs: some, connectMs: some, tlsMs: some, firstByteMs: some } })
    expect(await sender.send(post(url))).toMatchObject({ status: 200, trace: { reused: true, tlsMs: null } })
  })

  test.each([
    ['a certificate that nobody vouches for', (url: string) => url, {}, /DEPTH_ZERO|SELF_SIGNED/],
    ['a certificate of another name', (url: string) => url.replace('hooks', 'other'), { ca: certificate }, /ALTNAME/]
  ])('%s', async (_what, change, options, detail) => {
    const result = await attempt(change(await receiver()), { lookup, ...options })
    expect(result).toMatchObject({ error: 'tls_failed', detail: expect.stringMatching(detail), trace: { address: '127.0.0.1', connectMs: expect.any(Number), tlsMs: null, firstByteMs: null } })
    expect(decision(result)).toEqual(retried(false))
  })

  test.each([
    ['a receiver that speaks plain HTTP', (socket: Socket) => { socket.write(`${OK}Content-Length: 0\r\n\r\n`) }, 'tls_failed'],
    ['a receiver that resets the handshake', (socket: Socket) => { socket.resetAndDestroy() }, 'connection_reset'],
    ['a receiver that never begins the handshake', () => {}, 'timeout']
  ])('%s', async (_what, behave, error) => {
    tcp = await TcpServer.start((socket) => socket.once('data', () => behave(socket)))
    expect(await attempt(tcp.url().replace('http:', 'https:'), { connectMs: 300 })).toMatchObject({ kind: 'failure', error, trace: { tlsMs: null } })
  })
})
