import { addressPolicy, isSubnet } from '../../server/outbound/sending/address-policy.js'
import { urlProblem } from '../../server/outbound/webhooks/webhook-url.js'

const strict = addressPolicy([])
const loopback = addressPolicy(['127.0.0.0/8'])

/** Range, its first and last address, and its neighbours where those are not forbidden too. */
const RANGES: Array<[range: string, first: string, last: string, before?: string | null, after?: string | null]> = [
  ['0.0.0.0/8, this network', '0.0.0.0', '0.255.255.255', null, '1.0.0.0'],
  ['10.0.0.0/8, private', '10.0.0.0', '10.255.255.255', '9.255.255.255', '11.0.0.0'],
  ['100.64.0.0/10, carrier NAT', '100.64.0.0', '100.127.255.255', '100.63.255.255', '100.128.0.0'],
  ['127.0.0.0/8, loopback', '127.0.0.0', '127.255.255.255', '126.255.255.255', '128.0.0.0'],
  ['169.254.0.0/16, link-local', '169.254.0.0', '169.254.255.255', '169.253.255.255', '169.255.0.0'],
  ['172.16.0.0/12, private', '172.16.0.0', '172.31.255.255', '172.15.255.255', '172.32.0.0'],
  ['192.0.0.0/24, protocol assignments', '192.0.0.0', '192.0.0.255', '191.255.255.255', '192.0.1.0'],
  ['192.0.2.0/24, documentation', '192.0.2.0', '192.0.2.255', '192.0.1.255', '192.0.3.0'],
  ['192.88.99.0/24, 6to4 relays', '192.88.99.0', '192.88.99.255', '192.88.98.255', '192.88.100.0'],
  ['192.168.0.0/16, private', '192.168.0.0', '192.168.255.255', '192.167.255.255', '192.169.0.0'],
  ['198.18.0.0/15, benchmarks', '198.18.0.0', '198.19.255.255', '198.17.255.255', '198.20.0.0'],
  ['198.51.100.0/24, documentation', '198.51.100.0', '198.51.100.255', '198.51.99.255', '198.51.101.0'],
  ['203.0.113.0/24, documentation', '203.0.113.0', '203.0.113.255', '203.0.112.255', '203.0.114.0'],
  ['224.0.0.0/4, multicast', '224.0.0.0', '239.255.255.255', '223.255.255.255'],
  ['240.0.0.0/4, reserved', '240.0.0.0', '255.255.255.255'],
  ['::/8, unspecified, loopback, mapped, compatible', '::', 'ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['64:ff9b::/96, NAT64', '64:ff9b::', '64:ff9b::ffff:ffff'],
  ['64:ff9b:1::/48, local NAT64', '64:ff9b:1::', '64:ff9b:1:ffff:ffff:ffff:ffff:ffff'],
  ['100::/64, discard', '100::', '100::ffff:ffff:ffff:ffff', null, '100:0:0:1::'],
  ['2001::/32, Teredo', '2001::', '2001:0:ffff:ffff:ffff:ffff:ffff:ffff', '2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '2001:1::'],
  ['2001:db8::/32, documentation', '2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', '2001:db7:ffff:ffff:ffff:ffff:ffff:ffff', '2001:db9::'],
  ['2002::/16, 6to4', '2002::', '2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '2003::'],
  ['3fff::/20, documentation', '3fff::', '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff', '3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '3fff:1000::'],
  ['5f00::/16, segment routing', '5f00::', '5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '5f01::'],
  ['fc00::/7, unique local', 'fc00::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'fe00::'],
  ['fe80::/10, link-local', 'fe80::', 'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['fec0::/10, site-local', 'fec0::', 'feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['ff00::/8, multicast', 'ff00::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff']
]

describe('addresses', () => {
  test.each(RANGES)('%s is refused from its first address to its last', (_range, first, last, before = null, after = null) => {
    expect([first, last].filter(strict.allows)).toEqual([])
    const neighbours = [before, after].filter((address) => address !== null)
    expect(neighbours.filter(strict.allows)).toEqual(neighbours)
  })

  test.each([
    ['the metadata service', '169.254.169.254'],
    ['a mapped loopback', '::ffff:127.0.0.1'],
    ['a mapped public address', '::ffff:8.8.8.8'],
    ['a mapped address in hex', '::ffff:7f00:1'],
    ['a compatible address', '::7f00:1'],
    ['loopback behind NAT64', '64:ff9b::7f00:1'],
    ['loopback in 6to4', '2002:7f00:1::'],
    ['a Teredo server', '2001:0:7f00:1::'],
    ['ISATAP', '2400:cb00::5efe:7f00:1'],
    ['ISATAP, globally unique', '2400:cb00::200:5efe:10.0.0.1'],
    ['a zone', 'fe80::1%eth0'],
    ['a public address with a zone', '2606:4700:4700::1111%eth0'],
    ['no address', 'example.com'],
    ['an octal spelling, which only URLs may have', '0177.0.0.1'],
    ['nothing', '']
  ])('%s (%s) is refused', (_what, address) => {
    expect(strict.allows(address)).toBe(false)
    expect(loopback.allows(address)).toBe(false)
  })

  test.each(['8.8.8.8', '2606:4700:4700::1111', '2400:cb00:2048:1::6814:55', '2400:cb00::5efe', '2400:cb00::5eff:7f00:1'])('%s is allowed', (address) => {
    expect(strict.allows(address)).toBe(true)
  })
})

describe('the addresses of a name', () => {
  const addresses = (...texts: string[]) => texts.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))

  test.each([
    ['public ones are used', ['8.8.8.8', '2606:4700:4700::1111'], ['8.8.8.8', '2606:4700:4700::1111']],
    ['one private among public ones forbids the name', ['8.8.8.8', '10.0.0.1', '1.1.1.1'], []],
    ['also of the other family', ['8.8.8.8', 'fd00::1'], []],
    ['and when it comes first', ['127.0.0.1', '8.8.8.8'], []],
    ['none is none', [], []]
  ])('%s', (_what, given, used) => {
    expect(strict.usable(addresses(...given))).toEqual(addresses(...used))
  })

  test.each([
    ['what is explicitly allowed is used', ['127.0.0.1'], ['127.0.0.1']],
    ['and nothing beside it', ['8.8.8.8', '127.0.0.1', '::1'], ['127.0.0.1']],
    ['what is not, is not', ['10.0.0.1'], []]
  ])('with a subnet opened for development, %s', (_what, given, used) => {
    expect(loopback.usable(addresses(...given))).toEqual(addresses(...used))
  })
})

describe('webhook URLs', () => {
  test.each([
    ['https://hooks.zapier.com/hooks/standard/1/abc', undefined],
    ['https://hooks.example.com:8443/?a=b', undefined],
    ['https://[2606:4700:4700::1111]/', undefined],
    ['http://hooks.zapier.com/', /https/],
    ['ftp://example.com/', /https/],
    ['file:///etc/passwd', /https/],
    ['gopher://127.0.0.1:6379/_', /https/],
    ['javascript:alert(1)', /https/],
    ['https://user:pass@example.com/', /credentials/],
    ['https://user@example.com/', /credentials/],
    ['https://:pass@example.com/', /credentials/],
    ['https://example.com@127.0.0.1/', /credentials/],
    ['https://127.0.0.1/', /private/],
    ['https://127.0.0.1./', /private/],
    ['https://0x7f000001/', /private/],
    ['https://0x7f.0.0.1/', /private/],
    ['https://017700000001/', /private/],
    ['https://0177.0.0.1/', /private/],
    ['https://2130706433/', /private/],
    ['https://127.1/', /private/],
    ['https://127.0.1/', /private/],
    ['https://0/', /private/],
    ['https://0xa9fea9fe/', /private/],
    ['https://169.254.43518/', /private/],
    ['https://１２７.０.０.１/', /private/],
    ['https://[::ffff:127.0.0.1]/', /private/],
    ['https://[::ffff:8.8.8.8]/', /private/],
    ['https://[0:0:0:0:0:0:0:1]/', /private/],
    ['https://[64:ff9b::7f00:1]/', /private/],
    ['https://[2002:7f00:1::]/', /private/],
    ['https://[fe80::1]/', /private/],
    ['https://localhost/', /private/],
    ['https://LOCALHOST/', /private/],
    ['https://localhost./', /private/],
    ['https://x.localhost/', /private/],
    ['https://[fe80::1%25eth0]/', /not a URL/],
    ['https://256.0.0.1/', /not a URL/],
    ['https://', /not a URL/],
    ['not a url', /not a URL/],
    [`https://example.com/${'a'.repeat(2048)}`, /longer/]
  ])('%s', (url, problem) => {
    const found = urlProblem(url, { addresses: strict, allowHttp: false })
    if (problem === undefined) expect(found).toBeUndefined()
    else expect(found).toMatch(problem)
  })

  test('development may open a subnet and plain http', () => {
    expect(urlProblem('http://127.0.0.1:4000/', { addresses: loopback, allowHttp: true })).toBeUndefined()
    expect(urlProblem('http://localhost:4000/', { addresses: loopback, allowHttp: true })).toBeUndefined()
    expect(urlProblem('http://10.0.0.1/', { addresses: loopback, allowHttp: true })).toMatch(/private/)
  })
})

test.each([['127.0.0.0/8', true], ['::1/128', true], ['127.0.0.1', false], ['10.0.0.0/33', false], ['x/8', false], ['10.0.0.0/8/8', false]])('%s is a subnet: %s', (text, expected) => {
  expect(isSubnet(text)).toBe(expected)
})
