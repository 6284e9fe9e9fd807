import { randomInt } from 'node:crypto'
import type postgres from 'postgres'
import type { Sql } from '../db/client.js'

/** First key of the advisory locks that say which workers live; the second is the worker's id. */
const LOCK_CLASS = 0x63736378

/** A lease lasts longer than any attempt can take, so that nobody claims what is still being sent. */
export const LEASE_SECONDS = 60

/**
 * Who holds a lease. A worker keeps an advisory lock on its id for as long as it lives; when it dies, however it dies,
 * Postgres drops the lock, and its leases can be given back at once instead of when they run out.
 */
export interface WorkerIdentity {
  readonly id: number
  /** Takes the lock again when the connection that held it was lost. */
  keep: () => Promise<void>
  release: () => Promise<void>
}

export async function takeIdentity (sql: Sql): Promise<WorkerIdentity> {
  let { id, session } = await lockFreeId(sql)
  return {
    get id () { return id },
    keep: async () => {
      try {
        await session`select 1`
      } catch {
        ({ id, session } = await lockFreeId(sql))
      }
    },
    release: async () => {
      try {
        await session`select pg_advisory_unlock(${LOCK_CLASS}, ${id})`
        session.release()
      } catch {
        // The connection is gone, and the lock with it.
      }
    }
  }
}

async function lockFreeId (sql: Sql): Promise<{ id: number, session: postgres.ReservedSql }> {
  const session = await sql.reserve()
  for (;;) {
    const id = randomInt(1, 2 ** 31 - 1)
    const [lock] = await session<Array<{ held: boolean }>>`select pg_try_advisory_lock(${LOCK_CLASS}, ${id}) as held`
    if (lock?.held) return { id, session }
  }
}

/** Makes due at once what workers that no longer live had leased. @returns how many deliveries. */
export async function releaseDeadLeases (sql: Sql): Promise<number> {
  const rows = await sql`
    update cscx_zapier.webhook_deliveries set next_attempt_at = now(), leased_by = null
    where status = 'pending' and leased_by is not null
      and next_attempt_at between now() and now() + ${LEASE_SECONDS}::int * interval '1 second'
      and leased_by not in (
        select objid::bigint::int from pg_locks
        where locktype = 'advisory' and classid = ${LOCK_CLASS} and objsubid = 2 and granted
          and database = (select oid from pg_database where datname = current_database()))
    returning 1`
  return rows.length
}
