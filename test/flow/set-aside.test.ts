import { createDatabase, type TestDatabase } from '../helpers/postgres.js'
import { eventually } from '../helpers/eventually.js'
import { startTestServer, type TestServer } from '../helpers/server.js'

/** Changes that cannot become events are kept for inspection, and hold up nothing behind them. */
let database: TestDatabase
let server: TestServer | undefined

beforeEach(async () => { database = await createDatabase() })

afterEach(async () => {
  await server?.stop()
  await database.drop()
})

const titles = async () => (await database.sql`select data ->> 'title' as title from cscx_zapier.events where type = 'task.created' order by id`).map((row) => row['title'] as string)
const errors = async () => await database.sql`select error from cscx_zapier.changes where error is not null`

async function addTasks (...names: string[]): Promise<void> {
  await database.sql`insert into tasks (customer_id, title)
    select c.id, t.title from unnest(${names}::text[]) as t(title),
      (select c.id from customers c join organizations o on o.id = c.organization_id where o.slug = 'demo' limit 1) c`
}

test('a row that does not fit the event\'s schema', async () => {
  server = await startTestServer(database.url)
  await addTasks('x'.repeat(600), 'Behind it')
  await eventually(async () => expect(await titles()).toEqual(['Behind it']))
  expect(await errors()).toMatchObject([{ error: expect.stringContaining('title') }])
})

test('a row that the database refuses to store as an event', async () => {
  server = await startTestServer(database.url)
  await database.sql`alter table cscx_zapier.events add constraint no_poison check (data ->> 'title' is distinct from 'poison')`
  await addTasks('before', 'poison', 'after')
  await eventually(async () => expect(await titles()).toEqual(['before', 'after']))
  expect(await errors()).toMatchObject([{ error: expect.stringContaining('no_poison') }])
})

test('a row whose tenant is no UUID', async () => {
  await database.sql`drop table customers cascade`
  await database.sql`create table customers (id uuid primary key default gen_random_uuid(), name text not null, organization_id text)`
  server = await startTestServer(database.url)
  await database.sql`insert into customers (name, organization_id) values ('Odd', 'org-1'), ('Even', '019c0932-1a80-7000-8000-5a9f1e6d2c31')`
  await eventually(async () => expect(await database.sql`select data ->> 'customer_name' as name from cscx_zapier.events`).toMatchObject([{ name: 'Even' }]))
  expect(await errors()).toMatchObject([{ error: expect.stringContaining('UUID') }])
})
