import { join } from 'node:path'
import { migrate as runMigrations } from 'drizzle-orm/postgres-js/migrator'
import type { Database } from './client.js'
import { SCHEMA } from './schema/index.js'

const MIGRATIONS = join(import.meta.dirname, 'migrations')

/** Brings the adapter's schema up to date. Of several processes that start at once, one migrates and the others wait for it. */
export async function migrate ({ sql, orm }: Database): Promise<void> {
  const session = await sql.reserve()
  try {
    await session`select pg_advisory_lock(hashtext('cscx_zapier.migrate'))`
    await runMigrations(orm, { migrationsFolder: MIGRATIONS, migrationsSchema: SCHEMA })
  } finally {
    await session`select pg_advisory_unlock(hashtext('cscx_zapier.migrate'))`
    session.release()
  }
}
