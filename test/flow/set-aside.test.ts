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

test('not a row that holds more than an event may: it is cut to fit', async () => {
  server = await startTestServer(database.url)
  await addTasks('x'.repeat(499) + '𝒳 and more', 'Behind it')
  await eventually(async () => expect(await titles()).toEqual(['x'.repeat(499) + '𝒳', 'Behind it']))
  await database.sql`alter table customers drop constraint if exists customers_health_score_check`
  for (const score of [150, 60, -5]) await database.sql`update customers set health_score = ${score} where name = 'Globex'`
  await eventually(async () => {
    const scores = await database.sql`select data ->> 'new_score' as score from cscx_zapier.events where type = 'health_score.changed' and data ->> 'customer_name' = 'Globex' order by id`
    expect(scores.map(({ score }) => score as string)).toEqual(['100', '60', '0'])
  })
  expect(await errors()).toEqual([])
})

test('a row that the database refuses to store as an event', async () => {
  server = await startTestServer(database.url)
  await database.sql`alter table cscx_zapier.events add constraint no_poison check (data ->> 'title' is distinct from 'poison')`
  await addTasks('a', 'poison', 'b', 'c', 'poison', 'd', 'e')
  await eventually(async () => expect(await titles()).toEqual(['a', 'b', 'c', 'd', 'e']))
  expect(await errors()).toMatchObject([{ error: expect.stringContaining('no_poison') }, { error: expect.stringContaining('no_poison') }])
})

test('a row among many of one statement', async () => {
  server = await startTestServer(database.url)
  await database.sql`alter table cscx_zapier.events add constraint no_poison check (data ->> 'title' is distinct from 'poison')`
  await addTasks(...Array.from({ length: 300 }, (_, n) => n === 137 ? 'poison' : `Task ${n}`))
  await eventually(async () => expect(await titles()).toHaveLength(299))
  await database.sql`update tasks set status = 'completed' where title = 'poison' or title like 'Task %'`
  await eventually(async () => expect(await database.sql`select from cscx_zapier.events where type = 'task.completed'`).toHaveLength(299))
  expect(await database.sql`select table_name, operation, old_row ->> 'status' as old, new_row ->> 'status' as new, new_row ->> 'title' as title, error from cscx_zapier.changes order by id`).toMatchObject([
    { table_name: 'tasks', operation: 'INSERT', old: null, new: 'pending', title: 'poison', error: expect.stringContaining('no_poison') },
    { table_name: 'tasks', operation: 'UPDATE', old: 'pending', new: 'completed', title: 'poison', error: expect.stringContaining('no_poison') }
  ])
})

/**
 * An insert takes its id before others that commit sooner. Each try to record the poison waits for the test (locks 1 and
 * 2), which lets the older change come in between a try and what follows from it.
 */
test('and not one that comes in just then with a lower id', async () => {
  const { sql } = database
  server = await startTestServer(database.url)
  await sql.unsafe(`create sequence tries;
    create function refuse_poison() returns trigger language plpgsql as $$ begin
      perform pg_advisory_xact_lock_shared(1, nextval('tries')::int);
      raise check_violation using message = 'no poison';
    end $$;
    create trigger refuse_poison before insert on cscx_zapier.events for each row when (new.data ->> 'title' = 'poison') execute function refuse_poison()`)
  const waiting = async (n: number) => await sql`select from pg_locks where locktype = 'advisory' and classid = 1 and objid = ${n} and not granted`
  const [older, gate] = [await sql.reserve(), await sql.reserve()]
  try {
    await gate`select pg_advisory_lock(1, 1), pg_advisory_lock(1, 2)`
    await older`begin`
    await older`insert into tasks (customer_id, title) select id, 'older' from customers where organization_id is not null limit 1`
    await addTasks('poison')
    await eventually(async () => expect(await waiting(1)).toHaveLength(1))
    await gate`select pg_advisory_unlock(1, 1)`
    await eventually(async () => expect((await waiting(2)).length + (await errors()).length).toBe(1))
    await older`commit`
    await gate`select pg_advisory_unlock(1, 2)`
  } finally {
    older.release()
    gate.release()
  }
  await eventually(async () => expect(await titles()).toEqual(['older']))
  expect(await sql`select new_row ->> 'title' as title, error from cscx_zapier.changes`).toMatchObject([{ title: 'poison', error: 'no poison' }])
})

test('a row whose tenant is no UUID', async () => {
  await database.sql`drop table customers cascade`
  await database.sql`create table customers (id uuid primary key default gen_random_uuid(), name text not null, organization_id text)`
  server = await startTestServer(database.url)
  await database.sql`insert into customers (name, organization_id) values ('Odd', 'org-1'), ('Even', '019c0932-1a80-7000-8000-5a9f1e6d2c31')`
  await eventually(async () => expect(await database.sql`select data ->> 'customer_name' as name from cscx_zapier.events`).toMatchObject([{ name: 'Even' }]))
  expect(await errors()).toMatchObject([{ error: expect.stringContaining('UUID') }])
})
