import { addressPolicy } from '../../server/outbound/sending/address-policy.js'
import { createSender, type Lookup, type Sender } from '../../server/outbound/sending/sender.js'
import { Receiver } from '../helpers/receiver.js'

let receiver: Receiver
let sender: Sender

beforeAll(async () => { receiver = await Receiver.start() })
afterAll(async () => { await receiver.stop() })
afterEach(async () => { await sender.close() })

/** A DNS whose answers are played: one list of addresses a look-up, the last one for ever. */
function dns (...answers: string[][]): Lookup {
  return (_hostname, _options, callback) => {
    const addresses = (answers.length > 1 ? answers.shift() : answers[0]) ?? []
    callback(null, addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })))
  }
}

const request = (host: string) => {
  const url = new URL(receiver.url('/x'))
  url.hostname = host
  return { url: url.href, headers: ['content-type', 'application/json'], body: '{}' }
}

test.each([
  ['a private address', ['10.0.0.1']],
  ['loopback', ['127.0.0.1']],
  ['a public and a private address', ['93.184.216.34', '127.0.0.1']],
  ['the metadata service', ['169.254.169.254']],
  ['loopback in IPv6', ['::1']]
])('a name that resolves to %s is not connected to', async (_what, addresses) => {
  sender = createSender(addressPolicy([]), 1, dns(addresses))
  expect(await sender.send(request('hooks.example.com'))).toMatchObject({ kind: 'failure', error: 'blocked_address' })
})

test.each(['127.0.0.1', '[::1]', 'localhost', 'localhost.'])('the literal address %s is not connected to either', async (host) => {
  sender = createSender(addressPolicy([]), 1)
  expect(await sender.send(request(host))).toMatchObject({ kind: 'failure', error: 'blocked_address' })
})

test('the connection goes to the address that was judged: a name that answers differently the second time gains nothing', async () => {
  sender = createSender(addressPolicy(['127.0.0.1/32']), 1, dns(['127.0.0.1'], ['10.0.0.1']))
  expect(await sender.send(request('rebinding.example.com'))).toMatchObject({ kind: 'response', status: 200 })
  // Kept alive: no second look-up.
  expect(await sender.send(request('rebinding.example.com'))).toMatchObject({ kind: 'response', status: 200 })
  expect(await sender.send({ ...request('rebinding.example.com'), url: 'http://rebinding.example.com:1/' })).toMatchObject({ error: 'blocked_address' })
})

test('a name that does not resolve is told apart', async () => {
  sender = createSender(addressPolicy([]), 1, (_hostname, _options, callback) => callback(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' }), []))
  expect(await sender.send(request('nowhere.example.com'))).toMatchObject({ kind: 'failure', error: 'dns_failed' })
})

test('the receiver\'s time runs from when the request is sent: waiting for a connection is told apart', async () => {
  let answers = 0
  receiver.answer((_request, response) => { setTimeout(() => response.writeHead(200).end(String(++answers)), 3_000) })
  sender = createSender(addressPolicy(['127.0.0.0/8']), 1)
  const results = await Promise.all(Array.from({ length: 5 }, async () => await sender.send(request('127.0.0.1'))))
  const kinds = results.map(({ kind }) => kind)
  expect(kinds.filter((kind) => kind === 'failure')).toEqual([])
  expect(kinds).toContain('unsent')
  expect(kinds.filter((kind) => kind === 'response')).toHaveLength(answers)
}, 30_000)
