import type { AddressPolicy } from './address-policy.js'
import { Attempt, type AttemptContext } from './attempt.js'
import { ConnectionPool } from './connection-pool.js'
import { guardedConnector } from './connector.js'
import { Deadlines } from './deadlines.js'
import type { AttemptResult } from './outcome.js'
import { dnsLookup, type Lookup } from './resolve.js'

/** One HTTP try to make. */
export interface HttpRequest {
  method: 'POST' | 'DELETE' | 'PUT' | 'PATCH'
  /** Scheme, host and port, as {@link targetOf} gives them. */
  origin: string
  /** Path and query. */
  path: string
  /** Flat name-value pairs, as undici's fast path takes them. */
  headers: string[]
  body: string | null
}

/** Where a URL's requests go; undefined when it is no URL of http or https. For once a webhook, not once an attempt. */
export function targetOf (url: string): Pick<HttpRequest, 'origin' | 'path'> | undefined {
  if (!URL.canParse(url)) return undefined
  const { protocol, origin, pathname, search } = new URL(url)
  return protocol === 'https:' || protocol === 'http:' ? { origin, path: pathname + search } : undefined
}

/** Times are milliseconds. A longest attempt takes `waitMs`, `connectMs` and `attemptMs` together. */
export interface SenderOptions {
  /** How names are resolved; {@link dnsLookup} as a rule. */
  lookup?: Lookup
  /** Certificates (PEM) to trust instead of the usual ones. */
  ca?: string
  /** How long a request waits for a connection while its origin has as many as it may have. */
  waitMs?: number
  /** For look-up, connection and TLS together; undici's clock is coarse, and may take a second more. */
  connectMs?: number
  /** From the first byte sent to the last byte read, headers and body together; noticed up to 0.1 s late. */
  attemptMs?: number
  /** How long a connection is kept for the next request. */
  idleMs?: number
  /** How many connections are kept so, over all origins. */
  idleConnections?: number
}

export interface Sender {
  /** Makes one HTTP try. Never rejects: whatever happens is a result. */
  send: (request: HttpRequest) => Promise<AttemptResult>
  /** Breaks all connections; requests under way fail. */
  close: () => Promise<void>
}

/**
 * A sender over kept-alive connections to addresses that the policy allows. Redirects are not followed: a 3xx is an
 * answer like any other.
 * @param connectionsPerOrigin How many requests may be under way to one scheme, host and port.
 */
export function createSender (policy: AddressPolicy, connectionsPerOrigin: number, options: SenderOptions = {}): Sender {
  const { lookup = dnsLookup(), ca, waitMs = 8_000, connectMs = 5_000, attemptMs = 15_000, idleMs = 30_000, idleConnections = 2_048 } = options
  const pool = new ConnectionPool({
    connect: guardedConnector({ policy, lookup, timeoutMs: connectMs, ca }), connectionsPerOrigin, idleConnections, idleMs, waitMs
  })
  const context: AttemptContext = { pool, deadlines: new Deadlines<Attempt>(attemptMs, (attempt) => attempt.expire(attemptMs)) }
  return {
    send: async (request) => await new Promise((resolve) => new Attempt(context, request, resolve).start()),
    close: async () => await pool.close()
  }
}
