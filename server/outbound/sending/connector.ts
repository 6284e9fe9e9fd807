import type { LookupFunction, Socket } from 'node:net'
import { buildConnector } from 'undici'
import { literalAddress, type Address, type AddressPolicy } from './address-policy.js'
import type { Lookup } from './resolve.js'

/** How long one of a name's addresses is tried before the next. Node's 250 ms give up on receivers at the other end of the world. */
const ADDRESS_TIMEOUT_MS = 1_000

/** What a URL names may not be connected to. */
export class BlockedAddressError extends Error {}

/** A name was not resolved. */
export class LookupError extends Error {}

/** How a connection came about; what did not happen (yet) is null. Times in milliseconds. */
export interface ConnectionPhases {
  /** The IP address connected to. */
  address: string | null
  dnsMs: number | null
  connectMs: number | null
  tlsMs: number | null
}

export interface ConnectorOptions {
  policy: AddressPolicy
  lookup: Lookup
  /** For look-up, connection and TLS together. */
  timeoutMs: number
  /** Certificates (PEM) to trust instead of the usual ones. */
  ca?: string | undefined
}

/** Connects, and fills in `phases` as it goes: also those of a connection that fails half-way. */
export type Connector = (options: buildConnector.Options, phases: ConnectionPhases, callback: buildConnector.Callback) => void

/** undici's connector returns the socket that it is about to connect, which its types leave out. */
type SocketConnector = (...args: Parameters<buildConnector.connector>) => Socket

/**
 * A connector that judges addresses when connecting, on what the name resolves to, and connects to the address that was
 * judged: a name that resolves differently a moment later gains nothing, and kept-alive connections cost no look-up.
 */
export function guardedConnector ({ policy, lookup, timeoutMs, ca }: ConnectorOptions): Connector {
  const connect = buildConnector({
    timeout: timeoutMs, allowH2: false, ca, lookup: guardedLookup(policy, lookup), autoSelectFamily: true, autoSelectFamilyAttemptTimeout: ADDRESS_TIMEOUT_MS
  } as buildConnector.BuildOptions) as SocketConnector
  return (options, phases, callback) => {
    // A literal address is never looked up, so it is judged here.
    const literal = literalAddress(options.hostname)
    if (literal !== undefined && !policy.allows(literal)) {
      callback(new BlockedAddressError(`${options.hostname} is not a public address`), null)
      return
    }
    measure(connect({ ...options, hostname: literal ?? options.hostname }, callback), phases)
  }
}

function measure (socket: Socket, phases: ConnectionPhases): void {
  let since = performance.now()
  const lap = () => {
    const before = since
    since = performance.now()
    return since - before
  }
  socket
    .once('lookup', () => { phases.dnsMs = lap() })
    .once('connect', () => {
      phases.connectMs = lap()
      phases.address = socket.remoteAddress ?? null
    })
    .once('secureConnect', () => { phases.tlsMs = lap() })
}

/** A look-up for net.connect that gives away vetted addresses only. */
function guardedLookup (policy: AddressPolicy, lookup: Lookup): LookupFunction {
  return (hostname, options, callback) => {
    vettedAddresses(policy, lookup, hostname).then(
      (addresses) => {
        if (options.all) callback(null, addresses)
        else callback(null, addresses[0].address, addresses[0].family)
      },
      (error: Error) => callback(error, []))
  }
}

async function vettedAddresses (policy: AddressPolicy, lookup: Lookup, hostname: string): Promise<[Address, ...Address[]]> {
  const addresses = await lookup(hostname).catch((error: Error) => { throw new LookupError(error.message) })
  if (addresses.length === 0) throw new LookupError(`${hostname} has no address`)
  const [first, ...others] = policy.usable(addresses)
  if (first === undefined) throw new BlockedAddressError(`${hostname} resolves to an address that is not public`)
  return [first, ...others]
}
