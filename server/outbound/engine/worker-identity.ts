import { randomInt } from 'node:crypto'
import type { Database, Sql } from '../../db/client.js'

/** First key of the advisory locks that say which workers live; the second is the worker's id. */
const LOCK_CLASS = 0x63736378

/** A lease lasts longer than any attempt can take, its wait for a connection included, so that nobody claims what is still being sent. */
export const LEASE_SECONDS = 60

/**
 * Who holds a lease. A worker keeps an advisory lock on its id for as long as it lives; when it dies, however it dies,
 * Postgres drops the lock, and its leases can be given back at once instead of when they run out. The id never changes.
 */
export interface WorkerIdentity {
  readonly id: number
  /** Takes the lock again if its connection was lost. @throws when the database cannot be asked. */
  keep: () => Promise<void>
  release: () => Promise<void>
}

export async function takeIdentity (database: Database): Promise<WorkerIdentity> {
  const session = database.session()
  const id = randomInt(1, 2 ** 31 - 1)
  // postgres.js connects anew by itself, and says nothing of it: so the lock is looked for, not assumed.
  const keep = async () => {
    await session`select pg_try_advisory_lock(${LOCK_CLASS}, ${id}) where not exists (
      select from pg_locks where locktype = 'advisory' and classid = ${LOCK_CLASS} and objid = ${id} and pid = pg_backend_pid())`
  }
  await keep()
  return { id, keep, release: async () => { await session.end({ timeout: 1 }) } }
}

/** Ids of the workers that live. */
const livingWorkers = (sql: Sql) => sql`
  select objid::bigint::int from pg_locks
  where locktype = 'advisory' and classid = ${LOCK_CLASS} and objsubid = 2 and granted
    and database = (select oid from pg_database where datname = current_database())`

/** How many workers live. */
export async function countWorkers (sql: Sql): Promise<number> {
  const rows = await sql`${livingWorkers(sql)}`
  return rows.length
}

/**
 * Makes due at once what workers that no longer live had leased.
 * @param everywhere Whether leases count that no worker could have taken by today's clock: after the clock was set back.
 *   That looks at every retry that is planned; otherwise only what falls due within a lease's time is looked at.
 * @returns how many deliveries.
 */
export async function releaseDeadLeases (sql: Sql, ownId: number, everywhere: boolean): Promise<number> {
  const rows = await sql`
    update cscx_zapier.webhook_deliveries set next_attempt_at = now(), leased_by = null
    where status = 'pending' and leased_by <> ${ownId}::int and next_attempt_at < 'infinity'
      ${everywhere ? sql`` : sql`and next_attempt_at between now() and now() + ${LEASE_SECONDS}::int * interval '1 second'`}
      and leased_by not in (${livingWorkers(sql)})
    returning 1`
  return rows.length
}

/**
 * Makes due what this worker has leased but does not have under way: leases that a statement granted whose answer was
 * lost. To be run only while no such statement is under way.
 */
export async function releaseLostLeases (sql: Sql, ownId: number, underWay: readonly string[]): Promise<number> {
  const rows = await sql`
    update cscx_zapier.webhook_deliveries set next_attempt_at = now(), leased_by = null
    where status = 'pending' and leased_by = ${ownId}::int and next_attempt_at between now() and now() + ${LEASE_SECONDS}::int * interval '1 second'
      and not id = any(${[...underWay]}::uuid[])
    returning 1`
  return rows.length
}
