import { Client } from 'undici'
import { Chain, type Linked } from './chain.js'
import type { ConnectionPhases, Connector } from './connector.js'
import { Deadlines, type Expiring } from './deadlines.js'

/** Response headers larger than this, names and values together, break the connection. */
const RESPONSE_HEADERS_MAX = 32 * 1024

export interface PoolOptions {
  connect: Connector
  connectionsPerOrigin: number
  /** How many connections are kept for later, over all origins; the least recently used go first. */
  idleConnections: number
  /** How long a connection is kept for later; less if the receiver says so. */
  idleMs: number
  /** How long one waits for a connection while its origin has as many as it may have. */
  waitMs: number
}

/** Somebody who wants to make one request. Exactly one of the two is called, once. */
export interface Waiter extends Expiring<Waiter> {
  readonly origin: string
  /** It is the waiter's alone until given back with {@link ConnectionPool.release}. */
  onConnection: (connection: Connection) => void
  /** None was free in time, or the pool is closed. */
  onNoConnection: () => void
}

/** A connection that makes one request at a time. It connects on its first, and anew on the next if it was closed meanwhile. */
export class Connection implements Linked<Connection> {
  readonly origin: Origin
  readonly client: Client
  phases: ConnectionPhases = NOT_CONNECTED
  /** Requests written to the present socket. */
  requests = 0
  previous: Connection | undefined
  next: Connection | undefined

  constructor (origin: Origin, { connect, idleMs }: PoolOptions) {
    this.origin = origin
    this.client = new Client(origin.name, {
      connect: (options, callback) => {
        this.phases = { ...NOT_CONNECTED }
        this.requests = 0
        connect(options, this.phases, callback)
      },
      pipelining: 1,
      keepAliveTimeout: idleMs,
      keepAliveMaxTimeout: idleMs,
      maxHeaderSize: RESPONSE_HEADERS_MAX,
      // The attempt's one deadline covers both.
      headersTimeout: 0,
      bodyTimeout: 0
    })
  }
}

const NOT_CONNECTED: ConnectionPhases = Object.freeze({ address: null, dnsMs: null, connectMs: null, tlsMs: null })

/** Scheme, host and port, and the connections there. */
interface Origin {
  readonly name: string
  readonly connections: Set<Connection>
  /** Those that wait for a request, the most recently used last. */
  readonly idle: Connection[]
  /** Those who wait for a connection, in the order they came. */
  readonly waiting: Waiter[]
}

/**
 * Kept-alive connections to any number of origins. An origin is forgotten with its last connection, so that what is kept
 * is bounded by what is under way and by `idleConnections`, however many origins there have been.
 *
 * Not undici's Agent: there, a request that has given up stays in the queue with its body, nothing bounds the idle
 * connections of ten thousand origins, and nobody says which connection a request took.
 */
export class ConnectionPool {
  readonly #options: PoolOptions
  readonly #origins = new Map<string, Origin>()
  /** Of all origins, the longest idle first. */
  readonly #idle = new Chain<Connection>()
  readonly #waits: Deadlines<Waiter>
  #isClosed = false

  constructor (options: PoolOptions) {
    this.#options = options
    this.#waits = new Deadlines(options.waitMs, (waiter) => this.#giveUp(waiter))
  }

  /** Origins that are connected to, or waited for. */
  get originCount (): number {
    return this.#origins.size
  }

  get idleCount (): number {
    return this.#idle.size
  }

  /** Gives the waiter a connection of its origin, now or when one is free. @throws when its origin is none. */
  acquire (waiter: Waiter): void {
    if (this.#isClosed) return waiter.onNoConnection()
    const origin = this.#origins.get(waiter.origin) ?? { name: waiter.origin, connections: new Set(), idle: [], waiting: [] }
    const connection = this.#takeIdle(origin) ?? this.#open(origin)
    if (connection) return waiter.onConnection(connection)
    origin.waiting.push(waiter)
    this.#waits.start(waiter, performance.now())
  }

  /** Takes a connection back. @param isReusable Whether the request has left the connection fit for another one. */
  release (connection: Connection, isReusable: boolean): void {
    const { origin } = connection
    if (!isReusable) this.#discard(connection)
    const waiter = this.#isClosed ? undefined : origin.waiting.shift()
    if (waiter) {
      this.#waits.stop(waiter)
      waiter.onConnection(isReusable ? connection : this.#open(origin) as Connection)
    } else if (isReusable) this.#keep(connection)
  }

  /** Breaks all connections. Whoever waits is told that there is none. */
  async close (): Promise<void> {
    this.#isClosed = true
    const origins = [...this.#origins.values()]
    for (const waiter of origins.flatMap(({ waiting }) => waiting.splice(0))) {
      this.#waits.stop(waiter)
      waiter.onNoConnection()
    }
    await Promise.all(origins.flatMap(({ connections }) => [...connections].map(async ({ client }) => await client.destroy())))
  }

  #takeIdle (origin: Origin): Connection | undefined {
    const connection = origin.idle.pop()
    if (!connection) return undefined
    this.#idle.remove(connection)
    return connection
  }

  #open (origin: Origin): Connection | undefined {
    if (origin.connections.size >= this.#options.connectionsPerOrigin) return undefined
    const connection = new Connection(origin, this.#options)
    connection.client.on('disconnect', () => { if (this.#idle.has(connection)) this.#discard(connection) })
    origin.connections.add(connection)
    this.#origins.set(origin.name, origin)
    return connection
  }

  #keep (connection: Connection): void {
    connection.origin.idle.push(connection)
    this.#idle.append(connection)
    const longest = this.#idle.first
    if (longest && this.#idle.size > this.#options.idleConnections) this.#discard(longest)
  }

  #discard (connection: Connection): void {
    const { origin, client } = connection
    if (this.#idle.remove(connection)) origin.idle.splice(origin.idle.indexOf(connection), 1)
    origin.connections.delete(connection)
    if (origin.connections.size === 0 && origin.waiting.length === 0) this.#origins.delete(origin.name)
    void client.destroy()
  }

  #giveUp (waiter: Waiter): void {
    const waiting = this.#origins.get(waiter.origin)?.waiting
    waiting?.splice(waiting.indexOf(waiter), 1)
    waiter.onNoConnection()
  }
}
