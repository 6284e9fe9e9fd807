import { Resolver } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import type { Address } from './address-policy.js'

/** Resolves a name to all of its addresses. @throws when it has none, or nobody says. */
export type Lookup = (hostname: string) => Promise<Address[]>

/** With the second try, which waits twice as long, a name is given up before the connection is. */
const QUERY_TIMEOUT_MS = 1_000
const QUERY_TRIES = 2
/** The system's servers are read once: a machine that has changed networks must not ask the old ones for ever. */
const NOBODY_THERE = new Set(['ETIMEOUT', 'ECONNREFUSED'])
const HOSTS_FILE = '/etc/hosts'

/**
 * Asks the DNS itself, and the hosts file for what the DNS does not know. Not `dns.lookup`: that occupies one of four
 * threads until it has an answer, two at most, so that two names whose servers keep silent would stop every other look-up.
 * @param servers DNS servers (`address` or `address:port`); those of the system when not given.
 */
export function dnsLookup (servers?: readonly string[]): Lookup {
  let resolver = newResolver(servers)
  return async (hostname) => {
    const answers = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)])
    const addresses = answers.flatMap((answer) => answer.status === 'fulfilled' ? answer.value.map(withFamily) : [])
    if (addresses.length > 0) return addresses
    const listed = await hostsFileAddresses(hostname)
    if (listed.length > 0) return listed
    const { reason } = answers[0] as PromiseRejectedResult
    if (NOBODY_THERE.has(reason.code)) resolver = newResolver(servers)
    throw reason
  }
}

function newResolver (servers: readonly string[] | undefined): Resolver {
  const resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: QUERY_TRIES })
  if (servers) resolver.setServers(servers)
  return resolver
}

const withFamily = (address: string): Address => ({ address, family: isIP(address) })

async function hostsFileAddresses (hostname: string): Promise<Address[]> {
  const text = await readFile(HOSTS_FILE, 'utf8').catch(() => '')
  return parseHosts(text, hostname)
}

/** The addresses that a hosts file (hosts(5)) gives a name. */
export function parseHosts (text: string, hostname: string): Address[] {
  const wanted = hostname.toLowerCase()
  return text.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().toLowerCase().split(/\s+/)
    return isIP(address) !== 0 && names.includes(wanted) ? [withFamily(address)] : []
  })
}
