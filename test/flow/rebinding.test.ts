import { addressPolicy } from '../../server/outbound/sending/address-policy.js'
import { dnsLookup } from '../../server/outbound/sending/resolve.js'
import { createSender, type Sender } from '../../server/outbound/sending/sender.js'
import { DnsServer } from '../helpers/dns.js'
import { eventually } from '../helpers/eventually.js'
import { post } from '../helpers/http-request.js'
import { onRequest, TcpServer } from '../helpers/tcp.js'

/**
 * A name whose DNS server answers with an allowed and a forbidden address in turn, as an attacker's does who wants the
 * address that is vetted to differ from the one that is connected to. At the forbidden one something listens, too.
 */
const ALLOWED = '127.0.0.1'
const FORBIDDEN = '127.0.0.2'
const policy = addressPolicy([`${ALLOWED}/32`])

let receiver: TcpServer
let internal: TcpServer
let dns: DnsServer
let sender: Sender

const answer204 = (socket: Parameters<typeof onRequest>[0]) => onRequest(socket, () => socket.write('HTTP/1.1 204 No Content\r\n\r\n'))

beforeEach(async () => {
  receiver = await TcpServer.start(answer204, { host: ALLOWED })
  internal = await TcpServer.start(answer204, { host: FORBIDDEN, port: receiver.port })
  dns = await DnsServer.start((_name, asked) => [asked % 2 === 0 ? ALLOWED : FORBIDDEN])
  sender = createSender(policy, 64, { lookup: dnsLookup([dns.address]) })
})

afterEach(async () => {
  await sender.close()
  await Promise.all([receiver.stop(), internal.stop(), dns.stop()])
})

const url = (host = 'rebinding.example.com') => `http://${host}:${receiver.port}/`
const sent = { kind: 'response', status: 204, trace: { address: ALLOWED } }
const blocked = { kind: 'failure', error: 'blocked_address', trace: { address: null } }

test('each connection goes to the address that was vetted for it; a forbidden answer is blocked', async () => {
  for (let round = 1; round <= 5; round++) {
    expect(await sender.send(post(url()))).toMatchObject(sent)
    receiver.disconnect()
    await eventually(async () => expect(await sender.send(post(url()))).toMatchObject(blocked))
    expect(receiver.connections).toBe(round)
  }
  expect(internal.connections).toBe(0)
})

test('a kept-alive connection is used without another look-up', async () => {
  for (let count = 0; count < 20; count++) {
    expect(await sender.send(post(url()))).toMatchObject({ ...sent, trace: { address: ALLOWED, reused: count > 0 } })
  }
  expect(dns.asked).toHaveLength(1)
  expect(receiver.connections).toBe(1)
  expect(internal.connections).toBe(0)
})

test('many connections at once: one look-up each, none of them to the forbidden address', async () => {
  const results = await Promise.all(Array.from({ length: 40 }, async () => await sender.send(post(url()))))
  const addresses = results.map((result) => result.kind === 'unsent' ? 'unsent' : result.trace.address ?? (result.kind === 'failure' && result.error))
  expect(addresses.filter((address) => address === ALLOWED)).toHaveLength(20)
  expect(addresses.filter((address) => address === 'blocked_address')).toHaveLength(20)
  expect(dns.asked).toHaveLength(40)
  expect(receiver.connections).toBe(20)
  expect(internal.connections).toBe(0)
})

test('both addresses in one answer are not used at all without an allow-list, and only the allowed one with it', async () => {
  await dns.stop()
  dns = await DnsServer.start((name) => name.startsWith('public') ? ['93.184.216.34', FORBIDDEN] : [FORBIDDEN, ALLOWED])
  const mixed = createSender(policy, 1, { lookup: dnsLookup([dns.address]) })
  expect(await mixed.send(post(url('public.example.com')))).toMatchObject(blocked)
  expect(await mixed.send(post(url('mixed.example.com')))).toMatchObject(sent)
  expect(internal.connections).toBe(0)
  await mixed.close()
})
