import { dnsLookup, parseHosts } from '../../server/outbound/sending/resolve.js'
import { DnsServer } from '../helpers/dns.js'

const HOSTS = `
# A comment
127.0.0.1\tlocalhost
::1 localhost ip6-localhost   # and another
172.17.0.1   host.docker.internal gateway
not-an-address hooks.example.com
fe80::1%lo0 link
`

test.each([
  ['localhost', [{ address: '127.0.0.1', family: 4 }, { address: '::1', family: 6 }]],
  ['HOST.docker.internal', [{ address: '172.17.0.1', family: 4 }]],
  ['gateway', [{ address: '172.17.0.1', family: 4 }]],
  ['link', [{ address: 'fe80::1%lo0', family: 6 }]],
  ['hooks.example.com', []],
  ['#', []],
  ['', []]
])('the hosts file knows %s', (name, addresses) => {
  expect(parseHosts(HOSTS, name)).toEqual(addresses)
})

describe('the DNS', () => {
  let dns: DnsServer
  afterEach(async () => { await dns.stop() })

  test('gives all addresses of a name', async () => {
    dns = await DnsServer.start(() => ['192.0.2.1', '192.0.2.2'])
    const addresses = await dnsLookup([dns.address])('hooks.example.com')
    expect(addresses.map(({ address }) => address).sort()).toEqual(['192.0.2.1', '192.0.2.2'])
    expect(dns.asked).toEqual(['hooks.example.com'])
  })

  test('is asked every time, and again after a failure', async () => {
    dns = await DnsServer.start((_name, asked) => asked === 0 ? 'no such name' : ['192.0.2.1'])
    const lookup = dnsLookup([dns.address])
    await expect(lookup('hooks.example.com')).rejects.toThrow(/ENOTFOUND/)
    for (const asked of [2, 3]) {
      expect(await lookup('hooks.example.com')).toEqual([{ address: '192.0.2.1', family: 4 }])
      expect(dns.asked).toHaveLength(asked)
    }
  })

  test('need not know what the hosts file knows', async () => {
    dns = await DnsServer.start(() => 'no such name')
    expect(await dnsLookup([dns.address])('localhost')).toContainEqual({ address: '127.0.0.1', family: 4 })
  })
})
