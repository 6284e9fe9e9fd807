import { attachCapture } from '../../server/capture/index.js'
import { projectChanges } from '../../server/capture/project.js'
import { sweepRenewals } from '../../server/capture/renewals.js'
import { takeWaiting, type CapturedChange } from '../../server/capture/waiting-changes.js'
import { ACME, DEMO, workbench, type Workbench } from './actions-workbench.js'

/** What a row held arrives as it was, however many rows a statement writes: few and many are stored in different ways. */
let bench: Workbench

async function open (ddl = ''): Promise<void> {
  bench = await workbench({ ddl })
  await attachCapture(bench.database.sql, bench.schema.current())
}

afterEach(async () => await bench.drop())

const captured = async (): Promise<CapturedChange[]> => (await bench.database.sql.begin(async (tx) => await takeWaiting(tx))).changes
const forget = async () => await bench.sql`truncate cscx_zapier.changes`

/** Projects until nothing is left. @returns how many changes each round took. */
async function projectAll (): Promise<number[]> {
  const rounds: number[] = []
  for (;;) {
    const { taken, drained, failed } = await projectChanges(bench.database, bench.schema)
    expect(failed).toEqual([])
    rounds.push(taken)
    if (drained) return rounds
  }
}

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n + 1)

const ODD_CUSTOMERS = `
  create type mood as enum ('sad', 'glad');
  create domain price as numeric(6, 2);
  create type pair as (a int, b text);
  drop table customers cascade;
  create table customers (
    organization_id uuid default '${DEMO}', gone text, id uuid primary key default gen_random_uuid(), name text not null, n int,
    ${numbers(30).map((n) => `text_${n} text default 'text ${n}'`).join(', ')}, ${numbers(9).map((n) => `int_${n} int default ${n}`).join(', ')},
    "Weird ""name' \\" text default 'weird', others text default 'not ours', others_ text default 'nor this',
    ${['a', 'bytes', 'c', 'chunk', 'expression', 'few', 'key', 'layout', 'new_rows', 'o', 'old_rows', 'origin', 'r', 'rows', 's', 'size', 'total', 'tg_op', 'x'].map((name) => `${name} text default '${name}'`).join(', ')}, "select" varchar(9) default 'keyword', empty text,
    mood mood default 'glad', price price default 12.5, pair pair default (1, 'x'), small int2 default -3, big int8 default 9007199254740993,
    exact numeric default 'NaN', rough float8 default 'Infinity', single float4 default 0.1, yes boolean default true, day date default 'infinity',
    local timestamp default '2026-01-29 10:00', at timestamptz default '2026-01-29 10:00:00.123456+02', time time default '10:00', span interval default '1 day',
    document json default '{"b": 1, "a": "\\u0000", "a": 1e400}', binary_document jsonb default '{"b": [null, {"c": 1.50}]}', list text[] default '{a,NULL,"b c"}',
    binary_text bytea default '\\x00ff', range int4range default '[1,5)', fixed char(5) default 'ab', doubled int generated always as (n * 2) stored
  );
  alter table customers drop column gone`

test.each([1, 30, 100, 300])('every column of whatever type, %i rows at a time', async (count) => {
  await open(ODD_CUSTOMERS)
  const rows = async () => (await bench.sql<Array<{ text: string }>>`select row_to_json(t)::text as text from customers t order by n`).map(({ text }) => JSON.parse(text) as Record<string, unknown>)
  const byNumber = (side: 'old' | 'new') => async () => (await captured()).map((change) => change[side]).toSorted((a, b) => Number(a?.['n']) - Number(b?.['n']))

  await bench.sql`insert into customers (name, n) select 'Customer ' || n, n from generate_series(1, ${count}::int) n`
  const inserted = await rows()
  expect(inserted).toHaveLength(count)
  expect(await byNumber('new')()).toEqual(inserted)
  expect((await captured()).map(({ table, operation, old }) => [table, operation, old])).toEqual(inserted.map(() => ['customers', 'INSERT', null]))

  await forget()
  await bench.sql`update customers set name = name || '!', text_30 = null, mood = 'sad', int_9 = n, list = '{}', document = 'null', exact = 1.10, "select" = 'x'`
  const updated = await rows()
  expect(await byNumber('old')()).toEqual(inserted)
  expect(await byNumber('new')()).toEqual(updated)
  for (const change of await captured()) expect([change.operation, change.old?.['id'], change.organizationId]).toEqual(['UPDATE', change.new?.['id'], DEMO])

  await forget()
  await bench.sql`alter table customers add column added text default 'later', drop column text_2, alter column int_9 type text using 'was int'`
  const altered = await rows()
  await bench.sql`delete from customers`
  expect(altered[0]).toMatchObject({ added: 'later', int_9: 'was int' })
  expect(await byNumber('old')()).toEqual(altered)
  expect((await captured()).map(({ operation, new: row }) => [operation, row])).toEqual(altered.map(() => ['DELETE', null]))
})

test.each([1, 30, 100, 300])('a row whose id changes is one gone and another come, %i rows at a time', async (count) => {
  await open()
  await bench.sql`delete from tasks`
  await bench.sql`insert into tasks (organization_id, title) select ${DEMO}, 'Task ' || n from generate_series(1, ${count}::int) n`
  await forget()
  await bench.sql`update tasks set id = case title when 'Task 1' then gen_random_uuid() else id end, status = 'completed'`
  const changes = await captured()
  const ofFirst = changes.filter((change) => (change.new ?? change.old)?.['title'] === 'Task 1')
  expect(ofFirst.map(({ operation, old, new: row }) => [operation, old?.['status'], row?.['status']]).toSorted()).toEqual([['DELETE', 'pending', undefined], ['INSERT', undefined, 'completed']])
  const others = changes.filter(({ operation }) => operation === 'UPDATE')
  expect(others.map(({ old, new: row }) => [old?.['id'], row?.['status']])).toEqual(others.map(({ new: row }) => [row?.['id'], 'completed']))
  expect(changes).toHaveLength(count + 1)
})

test.each(['uuid', 'bigint', 'smallint', 'text', 'char(9)'])('ids may be %s', async (type) => {
  await open(`drop table tasks; create table tasks (id ${type} primary key, organization_id uuid default '${DEMO}', title text, n int)`)
  await bench.sql.unsafe(`insert into tasks (id, title, n) select ${type === 'uuid' ? 'gen_random_uuid()' : `n::${type}`}, 'x', n from generate_series(1, 500) n`)
  await forget()
  await bench.sql`update tasks set title = 'y' || n`
  const changes = await captured()
  expect(changes.map(({ old, new: row }) => [old?.['id'], row?.['title']])).toEqual(changes.map(({ old, new: row }) => [row?.['id'], `y${String(old?.['n'])}`]))
  expect(new Set(changes.map(({ new: row }) => row?.['n'])).size).toBe(500)
})

test('rows of a partitioned table keep together when they move from one partition to another', async () => {
  await open(`drop table tasks; create table tasks (id uuid default gen_random_uuid(), organization_id uuid default '${DEMO}', title text, n int) partition by range (n);
    create table tasks_low partition of tasks for values from (0) to (1000); create table tasks_high partition of tasks for values from (1000) to (2000)`)
  await bench.sql`insert into tasks (title, n) select 'x', n from generate_series(1, 300) n`
  await forget()
  await bench.sql`update tasks set n = n + 1000 where n % 2 = 0`
  const changes = await captured()
  expect(changes.map(({ old, new: row }) => [old?.['id'], row?.['n']])).toEqual(changes.map(({ old, new: row }) => [row?.['id'], Number(old?.['n']) + 1000]))
  expect(changes).toHaveLength(150)
})

test.each([1, 30, 100])('a table that loses its id still takes writes, %i rows at a time', async (count) => {
  await open()
  await bench.sql`alter table tasks drop column id`
  await bench.sql`insert into tasks (organization_id, title) select ${DEMO}, 'x' from generate_series(1, ${count}::int)`
  await bench.sql`update tasks set title = 'y'`
  await bench.sql`delete from tasks`
  expect(await bench.sql`select count(*)::int as count from tasks`).toEqual([{ count: 0 }])
})

test.each([1, 300])('a writer without any right on the adapter\'s schema, under row-level security, %i rows at a time', async (count) => {
  await open()
  const role = `writer_${bench.url.slice(-16)}`
  await bench.sql.unsafe(`create role ${role}; grant select, insert, update, delete on tasks to ${role}; alter table tasks enable row level security, force row level security;
    create policy own on tasks to ${role} using (organization_id = '${DEMO}') with check (organization_id = '${DEMO}')`)
  try {
    await bench.sql.begin(async (tx) => {
      await tx.unsafe(`set local role ${role}`)
      await tx`insert into tasks (organization_id, title) select ${DEMO}, 'x' from generate_series(1, ${count}::int)`
    })
    expect((await captured()).map(({ operation, new: row }) => [operation, row?.['title']])).toEqual(numbers(count).map(() => ['INSERT', 'x']))
  } finally {
    await bench.sql.unsafe(`drop owned by ${role}; drop role ${role}`)
  }
})

test('what surrounds a row may hold anything, too', async () => {
  await open(`delete from renewals; update customers set renewal_date = null;
    alter table customers add column c text default 'c', add column r text default 'r', add column odd json default '{"a": "\\u0000"}';
    alter table user_profiles add column u text default 'u', add column odd json default '{"a": "\\u0000"}'`)
  await bench.sql`insert into tasks (customer_id, title) values (${ACME}, 'x')`
  await projectAll()
  await bench.sql`update customers set renewal_date = '2030-01-20' where id = ${ACME}`
  expect(await sweepRenewals(bench.database, bench.schema, [30], '2030-01-01')).toEqual({ raised: 1, failed: [] })
  const known = { data: { customer_name: 'Acme Corp', csm_email: 'dana.reyes@demo.example' } }
  expect(await bench.sql`select type, data from cscx_zapier.events order by id`).toMatchObject([{ type: 'task.created', ...known }, { type: 'renewal.approaching', ...known }])
})

test('statements of all sizes become events in their order, and keep their origin', async () => {
  await open()
  const insert = async (name: string, count: number, origin = '') => await bench.sql.begin(async (tx) => {
    await tx`select set_config('cscx_zapier.origin', ${origin}, true)`
    await tx`insert into customers (organization_id, name) select ${DEMO}, ${name} from generate_series(1, ${count}::int)`
  })
  await insert('a', 1)
  await insert('b', 300, '{"origin":"zapier","origin_id":"key-1"}')
  await insert('c', 20)
  await insert('d', 1, '{"origin":"zapier","origin_id":"key-2"}')
  await insert('e', 1000)
  expect((await projectAll()).reduce((sum, taken) => sum + taken, 0)).toBe(1322)
  const events = await bench.sql<Array<{ name: string, origin: string, origin_id: string | null, count: number }>>`
    select data ->> 'customer_name' as name, data ->> 'origin' as origin, data ->> 'origin_id' as origin_id, count(*)::int as count, min(id::text) as first, max(id::text) as last
    from cscx_zapier.events where type = 'customer.created' group by 1, 2, 3 order by first`
  expect(events.map(({ name, origin, origin_id: id, count }) => [name, origin, id, count])).toEqual([
    ['a', 'cscx', null, 1], ['b', 'zapier', 'key-1', 300], ['c', 'cscx', null, 20], ['d', 'zapier', 'key-2', 1], ['e', 'cscx', null, 1000]
  ])
  // No event of a statement comes before one of an earlier statement.
  expect(events.every((event, n) => n === 0 || String(events[n - 1]?.['last' as never]) < String(event['first' as never]))).toBe(true)
})

test('a statement that is too large for memory at once is captured whole', async () => {
  await open()
  await bench.sql`insert into customers (organization_id, name, health_score) select ${DEMO}, 'Many ' || n, 50 from generate_series(1, 20500) n`
  await forget()
  await bench.sql`update customers set health_score = 60 where name like 'Many %'`
  const rounds = await projectAll()
  expect(rounds.reduce((sum, taken) => sum + taken, 0)).toBe(20_500)
  expect(Math.max(...rounds)).toBeLessThanOrEqual(500)
  expect(await bench.sql`select count(*)::int as count, count(distinct customer_id)::int as customers from cscx_zapier.events where (data ->> 'previous_score')::int = 50 and (data ->> 'new_score')::int = 60`)
    .toEqual([{ count: 20_500, customers: 20_500 }])
}, 60_000)

test.each([30, 300])('large rows are taken a few at a time, %i in a statement', async (count) => {
  await open()
  // 200 KB that do not compress.
  await bench.sql`with large as materialized (select string_agg(md5(n::text), '') as text from generate_series(1, 6400) n)
    insert into tasks (organization_id, title, description) select ${DEMO}, 'Large ' || n, text from large, generate_series(1, ${count}::int) n`
  const rounds = await projectAll()
  expect(rounds.reduce((sum, taken) => sum + taken, 0)).toBe(count)
  expect(Math.max(...rounds)).toBeLessThanOrEqual(24)
  expect(await bench.sql`select count(distinct data ->> 'title')::int as count, min(length(data ->> 'description')) as length from cscx_zapier.events where type = 'task.created'`).toEqual([{ count, length: 20_000 }])
}, 60_000)
