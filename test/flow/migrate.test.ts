import { readdirSync } from 'node:fs'
import { connect } from '../../server/db/client.js'
import { migrate } from '../../server/db/migrate.js'
import { openDatabase } from '../../server/db/open.js'
import { eventually } from '../helpers/eventually.js'
import { createDatabase, type TestDatabase } from '../helpers/postgres.js'

const MIGRATIONS = readdirSync('server/db/migrations').filter((name) => name.endsWith('.sql')).length

let database: TestDatabase

beforeEach(async () => { database = await createDatabase({ baseline: false }) })
afterEach(async () => await database.drop())

test('servers that start at once migrate an empty database once', async () => {
  const opened = await Promise.all(Array.from({ length: 4 }, async () => await openDatabase({ databaseUrl: database.url, dataDir: 'unused' })))
  expect(await database.sql`select count(*)::int as n from cscx_zapier.__drizzle_migrations`).toEqual([{ n: MIGRATIONS }])
  expect(await database.sql`select to_regclass('cscx_zapier.events') is not null as exists`).toEqual([{ exists: true }])
  expect(opened.map(({ isEmbedded, isFirstStart }) => ({ isEmbedded, isFirstStart }))).toEqual(Array(4).fill({ isEmbedded: false, isFirstStart: false }))
  await Promise.all(opened.map(async ({ close }) => await close()))
})

test('only the adapter\'s schema is created in a database that is not ours', async () => {
  const { close } = await openDatabase({ databaseUrl: database.url, dataDir: 'unused' })
  await close()
  expect(await database.sql`select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema' order by 1`)
    .toEqual([{ nspname: 'cscx_zapier' }, { nspname: 'public' }])
  expect(await database.sql`select tablename from pg_tables where schemaname = 'public'`).toEqual([])
})

test('a migration that fails leaves nothing behind', async () => {
  // In the way of one of the tables.
  await database.sql`create schema cscx_zapier`
  await database.sql`create table cscx_zapier.webhook_deliveries (id integer)`
  await expect(openDatabase({ databaseUrl: database.url, dataDir: 'unused' })).rejects.toThrow()
  expect(await database.sql`select tablename from pg_tables where schemaname = 'cscx_zapier'`).toEqual([{ tablename: 'webhook_deliveries' }])
})

test('another process that is migrating is waited for', async () => {
  const late = connect(database.url, 1)
  let migration: Promise<void> | undefined
  await database.sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(hashtext('cscx_zapier.migrate'))`
    migration = migrate(late)
    await eventually(async () => expect(await tx`
      select 1 from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())
    `).toHaveLength(1))
    expect(await tx`select to_regclass('cscx_zapier.events') is null as missing`).toEqual([{ missing: true }])
  })
  await migration
  expect(await late.sql`select to_regclass('cscx_zapier.events') is null as missing`).toEqual([{ missing: false }])
  await late.close()
})
