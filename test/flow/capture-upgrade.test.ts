import { readMigrationFiles } from 'drizzle-orm/migrator'
import { attachCapture } from '../../server/capture/index.js'
import { projectChanges } from '../../server/capture/project.js'
import { CscxSchema } from '../../server/cscx/tables.js'
import { connect, type Database } from '../../server/db/client.js'
import { migrate } from '../../server/db/migrate.js'
import { eventually } from '../helpers/eventually.js'
import { createDatabase, type TestDatabase } from '../helpers/postgres.js'
import { DEMO } from './actions-workbench.js'

let database: TestDatabase
let product: Database

beforeEach(async () => {
  database = await createDatabase()
  product = connect(database.url, 4)
})

afterEach(async () => {
  await product.close()
  await database.drop()
})

/** Brings the database to where it was before changes were captured in chunks. */
async function migrateToBeforeChunks (): Promise<void> {
  const migrations = readMigrationFiles({ migrationsFolder: 'server/db/migrations' }).slice(0, 3)
  await product.sql`create schema cscx_zapier`
  await product.sql`create table cscx_zapier.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)`
  for (const { sql, hash, folderMillis } of migrations) {
    for (const statement of sql) await product.sql.unsafe(statement)
    await product.sql`insert into cscx_zapier.__drizzle_migrations (hash, created_at) values (${hash}, ${folderMillis})`
  }
}

test('what waits when the adapter is upgraded becomes events, in its order', async () => {
  await migrateToBeforeChunks()
  const schema = new CscxSchema(product.sql)
  await attachCapture(product.sql, await schema.refresh())
  await database.sql`insert into customers (organization_id, name) select ${DEMO}, 'Before' from generate_series(1, 60)`
  await database.sql`update customers set tier = 'Gold' where name = 'Before'`
  await database.sql`delete from customers where name = 'Before'`
  expect(await database.sql`select count(*)::int as count from cscx_zapier.changes`).toEqual([{ count: 180 }])

  // A transaction that has captured something by the old function makes the migration wait, and others behind it must not fail.
  const [older, queued] = [await database.sql.reserve(), await database.sql.reserve()]
  try {
    await older`begin`
    await older`insert into customers (organization_id, name) values (${DEMO}, 'Older')`
    const migration = migrate(product)
    const waits = async (mode: string) => await eventually(async () => {
      expect(await database.sql`select from pg_locks where relation = 'cscx_zapier.changes'::regclass and mode = ${mode} and not granted`).toHaveLength(1)
    })
    await waits('AccessExclusiveLock')
    const insert = queued`insert into customers (organization_id, name) values (${DEMO}, 'Queued')`.execute()
    await waits('RowExclusiveLock')
    await older`commit`
    await migration
    await insert
  } finally {
    older.release()
    queued.release()
  }
  await database.sql`insert into customers (organization_id, name) select ${DEMO}, 'After' from generate_series(1, 60)`
  const { taken, failed, drained } = await projectChanges(product, schema)
  expect([taken, failed, drained]).toEqual([242, [], true])
  const events = await database.sql<Array<{ type: string, name: string, count: number }>>`
    select type, data ->> 'customer_name' as name, count(*)::int as count from cscx_zapier.events group by 1, 2 order by min(id::text)`
  expect(events.map(({ type, name, count }) => [type, name, count])).toEqual([
    ['customer.created', 'Before', 60], ['customer.updated', 'Before', 60], ['customer.deleted', 'Before', 60],
    ['customer.created', 'Older', 1], ['customer.created', 'Queued', 1], ['customer.created', 'After', 60]
  ])
})
