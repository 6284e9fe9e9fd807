import { BlockList, isIP, isIPv4 } from 'node:net'

/**
 * Networks that a webhook may never reach: everything that is not the public internet (IANA special-purpose registries,
 * RFC 6890 and successors), because a URL that a user typed must not become a way into the network we run in.
 */
const FORBIDDEN_IPV4 = [
  '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24',
  '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'
]
const FORBIDDEN_IPV6 = [
  '::/8', '64:ff9b::/96', '64:ff9b:1::/48', '100::/64', '2001::/32', '2001:db8::/32', '2002::/16', '3fff::/20', '5f00::/16',
  'fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8'
]

/** The address that a URL's host names literally, without brackets; undefined for a name. `localhost` counts as 127.0.0.1 (RFC 6761 §6.3). */
export function literalAddress (hostname: string): string | undefined {
  const bare = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '').toLowerCase()
  if (bare === 'localhost' || bare.endsWith('.localhost')) return '127.0.0.1'
  return isIP(bare) === 0 ? undefined : bare
}

/** ISATAP (RFC 5214 §6.1): an IPv4 address hidden in the interface identifier of an otherwise public IPv6 one. */
function isIsatap (address: string): boolean {
  if (isIPv4(address)) return false
  // The URL parser writes every spelling (a dotted tail among them) in one way.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const after = tail === undefined ? [] : tail.split(':')
  const before = head.split(':')
  const groups = [...before, ...Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0'), ...after].map((group) => parseInt(group || '0', 16))
  return groups[5] === 0x5efe && (groups[4] === 0 || groups[4] === 0x200)
}

/** Whether it is an address without a zone (fe80::1%eth0), which is of one link only and nothing that a BlockList can check. */
const isAddress = (address: string) => isIP(address) !== 0 && !address.includes('%')

type Family = 'ipv4' | 'ipv6'

const familyOf = (address: string): Family => isIPv4(address) ? 'ipv4' : 'ipv6'

/** A test for membership; one BlockList a family, since an IPv6 rule such as ::/8 would match IPv4 addresses as mapped ones. */
function subnetTest (subnets: readonly string[]): (address: string) => boolean {
  const lists: Record<Family, BlockList> = { ipv4: new BlockList(), ipv6: new BlockList() }
  for (const subnet of subnets) {
    const [address = '', prefix = ''] = subnet.split('/')
    lists[familyOf(address)].addSubnet(address, Number(prefix), familyOf(address))
  }
  return (address) => lists[familyOf(address)].check(address, familyOf(address))
}

/** Whether `text` is a subnet in CIDR notation. */
export function isSubnet (text: string): boolean {
  const [address = '', prefix = '', ...rest] = text.split('/')
  const version = isIP(address)
  return rest.length === 0 && version !== 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128)
}

export interface Address {
  address: string
  family: number
}

/** Which addresses webhooks may reach. */
export interface AddressPolicy {
  allows: (address: string) => boolean
  /**
   * Those of a name's addresses that may be used. One forbidden address forbids the name, so that nobody hides an
   * internal host among public ones; except that addresses explicitly allowed (for development) are always usable.
   */
  usable: <A extends Address>(addresses: readonly A[]) => A[]
}

/** @param allowedSubnets CIDR subnets that may be reached although they are forbidden by default, for development and tests. */
export function addressPolicy (allowedSubnets: readonly string[]): AddressPolicy {
  const isForbidden = subnetTest([...FORBIDDEN_IPV4, ...FORBIDDEN_IPV6])
  const isAllowed = subnetTest(allowedSubnets)
  const allows = (address: string) => isAddress(address) && (isAllowed(address) || (!isForbidden(address) && !isIsatap(address)))
  return {
    allows,
    usable: (addresses) => {
      const listed = addresses.filter(({ address }) => isAddress(address) && isAllowed(address))
      if (listed.length > 0) return listed
      return addresses.every(({ address }) => allows(address)) ? [...addresses] : []
    }
  }
}
