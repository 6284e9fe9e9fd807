import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import { openDriver, type DriverOptions } from './driver.js'
import * as schema from './schema/index.js'

/** postgres.js: for statements of our own making, such as claims, batches and CSCX's varying tables. */
export type Sql = postgres.Sql
/** A statement runner: the pool, or a transaction of it. */
export type Queryable = postgres.ISql
export type Transaction = postgres.TransactionSql
/** Drizzle over the same pool: for the adapter's own tables. */
export type Orm = PostgresJsDatabase<typeof schema>

export interface Database {
  sql: Sql
  orm: Orm
  /** Opens a connection of its own, outside of the pool and never recycled, for what lives as long as a session does. End it with `end`. */
  session: () => Sql
  /** Waits up to five seconds for running statements, then closes the pool. */
  close: () => Promise<void>
}

/**
 * Connects to Postgres. Connections are made when first needed.
 * @param connection A URL, which may name a Unix socket ({@link openDriver}), or the driver's options.
 *
 * Drizzle sets this pool's type parsers, so in raw statements timestamps come back as Postgres text and JSON
 * parameters must be passed as JSON text (`${JSON.stringify(value)}::jsonb`), never with `sql.json`.
 */
export function connect (connection: string | DriverOptions, maxConnections: number, driverOptions: DriverOptions = {}): Database {
  const options: DriverOptions = {
    max: maxConnections,
    onnotice: () => {},
    ...driverOptions,
    // Seconds between attempts to connect. By default they grow to 20, during which a database that is back stays unused.
    backoff: (attempt: number) => Math.min(1, 0.05 * 2 ** attempt),
    // Sessions speak UTC, as CSCX's do.
    connection: { application_name: 'cscx-zapier', TimeZone: 'UTC' }
  }
  const open = (more: DriverOptions) => typeof connection === 'string'
    ? openDriver(connection, { ...options, ...more })
    : postgres({ ...options, ...connection, ...more })
  const sql = open({})
  return {
    sql,
    orm: drizzle(sql, { schema }),
    session: () => open({ max: 1, idle_timeout: 0, max_lifetime: null }),
    close: () => sql.end({ timeout: 5 })
  }
}
