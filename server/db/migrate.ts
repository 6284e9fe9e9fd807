import { join } from 'node:path'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import type { Database } from './client.js'
import { SCHEMA } from './schema/index.js'

const MIGRATIONS = join(import.meta.dirname, 'migrations')
/** A migration that cannot get its locks for so long is given up, rather than making CSCX's own writers queue behind it. */
const LOCK_TIMEOUT = '60s'

/**
 * Brings the adapter's schema up to date, in one transaction. Of several processes that start at once, one migrates and
 * the others wait for it: on Postgres by the lock; on the embedded database, where all connections are one session and
 * such locks hold nobody up, because a transaction has the database to itself.
 *
 * Reads and keeps Drizzle's own records (`__drizzle_migrations`); Drizzle's migrator cannot run inside of a transaction.
 *
 * @throws when a migration fails or waits too long; nothing has changed then.
 */
export async function migrate ({ sql }: Pick<Database, 'sql'>): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`select set_config('lock_timeout', ${LOCK_TIMEOUT}, true)`
    await tx`select pg_advisory_xact_lock(hashtext('cscx_zapier.migrate'))`
    await tx`create schema if not exists ${tx(SCHEMA)}`
    await tx`create table if not exists ${tx(SCHEMA)}.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)`
    const [latest] = await tx<Array<{ created_at: string }>>`select created_at from ${tx(SCHEMA)}.__drizzle_migrations order by created_at desc limit 1`
    for (const migration of readMigrationFiles({ migrationsFolder: MIGRATIONS })) {
      if (migration.folderMillis <= Number(latest?.created_at ?? 0)) continue
      for (const statement of migration.sql) await tx.unsafe(statement)
      await tx`insert into ${tx(SCHEMA)}.__drizzle_migrations (hash, created_at) values (${migration.hash}, ${migration.folderMillis})`
    }
  })
}
