import { addressPolicy, isSubnet } from '../../server/outbound/sending/address-policy.js'
import { urlProblem } from '../../server/outbound/webhooks/webhook-url.js'

const strict = addressPolicy([])
const loopback = addressPolicy(['127.0.0.0/8'])

test.each([
  '0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.1', '192.0.2.1', '192.88.99.1',
  '192.168.1.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '224.0.0.1', '255.255.255.255',
  '::', '::1', '::ffff:8.8.8.8', '::ffff:127.0.0.1', '::7f00:1', '64:ff9b::808:808', '64:ff9b:1::1', '100::1', '2001::1', '2001:db8::1', '2002:7f00:1::', '3fff::1', '5f00::1',
  'fc00::1', 'fd12::1', 'fe80::1', 'fec0::1', 'ff02::1', '2400:cb00::5efe:7f00:1', '2400:cb00::200:5efe:10.0.0.1', 'not an address'
])('%s is refused', (address) => {
  expect(strict.allows(address)).toBe(false)
})

test.each(['8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700:4700::1111', '2400:cb00:2048:1::6814:55'])('%s is allowed', (address) => {
  expect(strict.allows(address)).toBe(true)
})

test('one forbidden address forbids the name, unless it is explicitly allowed', () => {
  const mixed = [{ address: '8.8.8.8', family: 4 }, { address: '127.0.0.1', family: 4 }]
  expect(strict.usable(mixed)).toEqual([])
  expect(loopback.usable(mixed)).toEqual([{ address: '127.0.0.1', family: 4 }])
  expect(strict.usable([{ address: '8.8.8.8', family: 4 }])).toHaveLength(1)
  expect(loopback.usable([{ address: '::1', family: 6 }, { address: '127.0.0.1', family: 4 }])).toEqual([{ address: '127.0.0.1', family: 4 }])
})

describe('webhook URLs', () => {
  test.each([
    ['https://hooks.zapier.com/hooks/standard/1/abc', undefined],
    ['http://hooks.zapier.com/', /https/],
    ['ftp://example.com/', /https/],
    ['https://user:pass@example.com/', /credentials/],
    ['https://127.0.0.1/', /private/],
    ['https://0x7f000001/', /private/],
    ['https://017700000001/', /private/],
    ['https://2130706433/', /private/],
    ['https://127.1/', /private/],
    ['https://[::ffff:127.0.0.1]/', /private/],
    ['https://localhost/', /private/],
    ['https://localhost./', /private/],
    ['https://x.localhost/', /private/],
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
