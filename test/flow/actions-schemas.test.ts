import { ACME, customer, DANA, DEMO, pointers, workbench, type Workbench } from './actions-workbench.js'

const benches: Workbench[] = []
afterEach(async () => { for (const bench of benches.splice(0)) await bench.drop() })

async function on (ddl: string, baseline = true): Promise<Workbench> {
  const bench = await workbench({ ddl, baseline })
  benches.push(bench)
  return bench
}

async function only (bench: Workbench, table: string) {
  const rows = await bench.sql<Array<{ row: Record<string, unknown> }>>`select to_jsonb(t) as row from ${bench.sql(table)} t`
  expect(rows).toHaveLength(1)
  return rows[0]?.row ?? {}
}

const MINIMAL = `
  create table customers (id uuid primary key default gen_random_uuid(), name text not null, created_at timestamptz not null, updated_at timestamptz not null, organization_id uuid);
  insert into customers values ('${ACME}', 'Acme Corp', now(), now(), '${DEMO}');`

test('with nothing but the certain columns of customers', async () => {
  const bench = await on(MINIMAL, false)
  const { body } = await bench.run('create_customer', { name: 'New', domain: 'new.example', arr: 1, metadata: { a: 1 } })
  expect(body).toMatchObject({ name: 'New', domain: null, arr: null, created_at: expect.any(String), updated_at: expect.any(String) })
  expect((await bench.run('update_customer', { customer_id: ACME, name: 'Acme', tier: 'Gold' })).body).toMatchObject({ name: 'Acme', tier: null })

  const nowhere = await bench.refuse('update_customer', { customer_id: ACME, tier: 'Gold' })
  expect([nowhere.code, nowhere.message]).toEqual(['action_unavailable', 'Table customers has no column for tier'])
  const nobody = await bench.refuse('create_customer', { name: 'X', csm_email: 'dana.reyes@demo.example' })
  expect([nobody.code, pointers(nobody)]).toEqual(['validation_failed', ['/csm_email']])
  for (const [name, input, lacking] of [
    ['add_stakeholder', { name: 'x' }, 'stakeholders'],
    ['log_activity', { activity_type: 'call', description: 'x' }, 'table customer_activities; or table timeline_activities; or table activities'],
    ['create_task', { title: 'x' }, 'table tasks'],
    ['create_risk_signal', { signal_type: 'x' }, 'table risk_signals'],
    ['update_health_score', { component: 'overall', score: 1 }, 'table health_scores; or column health_score of table customers']
  ] as const) {
    const problem = await bench.refuse(name, { customer_id: ACME, ...input })
    expect([problem.code, problem.status, problem.message]).toEqual(['action_unavailable', 422, expect.stringContaining(lacking)])
  }
})

test('a way to look up that has no column is refused by name', async () => {
  const bench = await on(`${MINIMAL} create table tasks (id serial primary key, customer_id uuid, title text);`, false)
  const problem = await bench.refuse('create_task', { domain: 'acme.com', external_id: 'x', title: 'x' })
  expect([problem.code, pointers(problem)]).toEqual(['validation_failed', ['/domain', '/external_id']])
  expect(problem.errors?.[0]).toMatchObject({ code: 'unsupported', detail: expect.stringContaining('customer_id, customer_name') })
  expect((await bench.run('create_task', { customer_name: 'acme corp', title: 'x' })).body).toEqual({
    id: '1', customer_id: ACME, customer_name: 'Acme Corp', title: 'x', description: null, status: null, priority: null, due_date: null, assignee_email: null, created_at: null
  })
  const missing = await bench.refuse('create_task', { customer_name: 'acme', title: 'x' })
  expect(missing.candidates).toEqual([{ customer_id: ACME, customer_name: 'Acme Corp', domain: null }])
})

test('fields without a column are kept in the metadata', async () => {
  const bench = await on('alter table customers drop column tier, drop column csm_id, drop column external_id, add column upper_name text generated always as (upper(name)) stored')
  const { body } = await bench.run('create_customer', { name: 'New', tier: 'Gold', external_id: 'X-1', csm_email: 'dana.reyes@demo.example', metadata: { a: 1 } })
  const [row] = await bench.sql`select metadata, csm_name, upper_name from customers where id = ${String(body['id'])}`
  expect(row).toEqual({ metadata: { a: 1, tier: 'Gold', external_id: 'X-1', csm_email: 'dana.reyes@demo.example' }, csm_name: 'Dana Reyes', upper_name: 'NEW' })
  await bench.run('update_customer', { customer_id: body['id'], tier: 'Silver' })
  const [updated] = await bench.sql`select metadata from customers where id = ${String(body['id'])}`
  expect(updated?.['metadata']).toMatchObject({ a: 1, tier: 'Silver' })
})

test('tasks as the other deployments have them', async () => {
  const bench = await on(`drop table tasks; create table tasks (
    id uuid primary key, customer_id uuid not null references customers, title varchar(20) not null, description text,
    status text not null check (status in ('Open', 'In Progress', 'Done')), priority varchar(10) not null check (priority in ('Low', 'Medium', 'High')),
    due_date date, assigned_to uuid, source text default 'manual' check (source = any (array['manual', 'agent', 'system'])),
    created_at timestamptz not null, updated_at timestamp not null)`)
  const { body } = await bench.run('create_task', { customer_id: ACME, title: 'x', priority: 'urgent', due_date: '2026-02-12T23:30:00-05:00', assignee_email: 'dana.reyes@demo.example', metadata: { a: 1 } })
  expect(body).toMatchObject({ status: 'open', priority: 'high', due_date: '2026-02-13T00:00:00.000Z', assignee_email: 'dana.reyes@demo.example', created_at: expect.any(String) })
  expect(await only(bench, 'tasks')).toMatchObject({ status: 'Open', priority: 'High', due_date: '2026-02-13', assigned_to: DANA, source: 'system' })
  const long = await bench.refuse('create_task', { customer_id: ACME, title: 'x'.repeat(21) })
  expect(long.errors).toEqual([{ pointer: '/title', detail: 'Must have at most 20 characters in this CSCX database', code: 'unsuitable' }])
})

test('priorities that are none of ours stay in the metadata, and nothing is kept that was not given', async () => {
  const bench = await on("delete from tasks; alter table tasks drop constraint tasks_priority_check, alter priority set default 'P2', add check (priority in ('P1', 'P2', 'P3'))")
  await bench.run('create_task', { customer_id: ACME, title: 'a', priority: 'high' })
  await bench.run('create_task', { customer_id: ACME, title: 'b' })
  await bench.sql`alter table tasks drop column priority`
  await bench.run('create_task', { customer_id: ACME, title: 'c' })
  const rows = await bench.sql`select metadata from tasks order by title`
  expect(rows.map(({ metadata }) => metadata as unknown)).toEqual([{ priority: 'high' }, {}, {}])
})

test('a list of sources that knows none of ours leaves the default', async () => {
  const bench = await on("delete from tasks; alter table tasks drop constraint tasks_source_check, alter source set default 'playbook', add check (source in ('playbook', 'meeting'))")
  await bench.run('create_task', { customer_id: ACME, title: 'x' })
  expect((await only(bench, 'tasks'))['source']).toBe('playbook')
})

test('with a timeline instead of activities', async () => {
  const bench = await on('drop table customer_activities; alter table timeline_activities alter user_id set not null')
  const { body } = await bench.run('log_activity', { customer_id: ACME, activity_type: 'QBR', description: 'Went through\nthe numbers', occurred_at: '2026-01-29', outcome: 'Good', participants: ['Ann'] })
  expect(body).toMatchObject({ activity_type: 'QBR', stored_type: 'in_person', description: 'Went through\nthe numbers', occurred_at: '2026-01-29T00:00:00.000Z' })
  expect(await only(bench, 'timeline_activities')).toMatchObject({
    organization_id: DEMO, type: 'in_person', subject: 'Went through', content: 'Went through\nthe numbers', user_id: DANA, metadata: { activity_type: 'QBR', outcome: 'Good', participants: ['Ann'], occurred_at: '2026-01-29' }
  })
  const { body: created } = await bench.run('create_customer', { name: 'Unmanaged' })
  const problem = await bench.refuse('log_activity', { customer_id: created['id'], activity_type: 'call', description: 'x' })
  expect([problem.code, problem.message]).toEqual(['action_unavailable', 'Column user_id of table timeline_activities needs a value that this action does not have'])
})

test('with a plain table of activities', async () => {
  const bench = await on(`drop table customer_activities; drop table timeline_activities;
    create table activities (id bigint generated always as identity, customer_id uuid, activity_type text, notes text, activity_date timestamp, participants jsonb)`)
  await bench.run('log_activity', { customer_id: ACME, activity_type: 'support_call', description: 'x', occurred_at: '2026-01-29T10:00:00+02:00', participants: ['Ann'] })
  expect(await only(bench, 'activities')).toEqual({ id: 1, customer_id: ACME, activity_type: 'support_call', notes: 'x', activity_date: '2026-01-29T08:00:00', participants: ['Ann'] })
})

test('stakeholders with a list of roles', async () => {
  const bench = await on('delete from stakeholders; alter table stakeholders alter email set not null, add check (role in (\'Champion\', \'Economic Buyer\', \'Other\'))')
  expect((await bench.run('add_stakeholder', { customer_id: ACME, name: 'a', email: 'a@acme.com', role: 'economic_buyer' })).body['role']).toBe('Economic Buyer')
  const { body } = await bench.run('add_stakeholder', { customer_id: ACME, name: 'b', email: 'b@acme.com', role: 'Wizard' })
  const [row] = await bench.sql`select role, metadata from stakeholders where id = ${String(body['id'])}`
  expect(row).toEqual({ role: 'Other', metadata: { role: 'Wizard' } })
  expect((await bench.refuse('add_stakeholder', { customer_id: ACME, name: 'c' })).errors).toEqual([{ pointer: '/email', detail: 'This CSCX database requires it', code: 'required' }])
})

test('what no catch-all takes is refused with the choices, all fields at once', async () => {
  const bench = await on('delete from stakeholders; alter table stakeholders add check (role in (\'Champion\', \'User\')), alter name type varchar(5)')
  const problem = await bench.refuse('add_stakeholder', { customer_id: ACME, name: 'toolong', role: 'Wizard' })
  expect(problem.errors).toEqual([
    { pointer: '/name', detail: 'Must have at most 5 characters in this CSCX database', code: 'unsuitable' },
    { pointer: '/role', detail: 'Must be one of Champion, User', code: 'unsuitable' }
  ])
  expect((await bench.refuse('add_stakeholder', { customer_id: ACME, name: 'x' })).errors)
    .toEqual([{ pointer: '/role', detail: 'This CSCX database requires it: one of Champion, User', code: 'required' }])
})

test('a column that nothing can fill is named', async () => {
  const bench = await on('delete from stakeholders; alter table stakeholders add column region_code text not null')
  const problem = await bench.refuse('add_stakeholder', { customer_id: ACME, name: 'x' })
  expect([problem.code, problem.message]).toEqual(['action_unavailable', 'Column region_code of table stakeholders needs a value that this action does not have'])
})

test('risk signals with an enum, a list of types and an amount', async () => {
  const bench = await on(`drop table risk_signals; create type severity as enum ('LOW', 'MEDIUM', 'HIGH');
    create table risk_signals (id uuid primary key default gen_random_uuid(), customer_id uuid, signal_type text check (signal_type in ('usage_drop', 'other')),
      severity severity, description text not null, arr_at_risk numeric(8,2), auto_detected boolean not null, detected_at date not null, metadata jsonb)`)
  const { body } = await bench.run('create_risk_signal', { customer_id: ACME, signal_type: 'champion_left', severity: 'critical', arr_at_risk: 999_999.99 })
  expect(body).toMatchObject({ signal_type: 'other', severity: 'high', arr_at_risk: 999_999.99 })
  expect(await only(bench, 'risk_signals')).toMatchObject({ severity: 'HIGH', description: 'champion_left', auto_detected: false, metadata: { signal_type: 'champion_left', severity: 'critical' } })
  expect(pointers(await bench.refuse('create_risk_signal', { customer_id: ACME, signal_type: 'usage_drop', arr_at_risk: 1_000_000 }))).toEqual(['/arr_at_risk'])
})

describe('health scores', () => {
  const score = { customer_id: ACME, component: 'overall', score: 40 }

  test('with nothing but customers.health_score', async () => {
    const bench = await on('drop table health_scores; drop table health_score_history')
    expect((await bench.run('update_health_score', score)).body).toMatchObject({ id: ACME, overall: 40, previous_overall: 85, product: null })
    expect((await bench.sql`select health_score from customers where id = ${ACME}`)[0]?.['health_score']).toBe(40)
    const problem = await bench.refuse('update_health_score', { ...score, component: 'voice' })
    expect([problem.code, pointers(problem)]).toEqual(['action_unavailable', ['/component']])
  })

  test('with nothing but health_scores, without a tenant or a voice', async () => {
    const bench = await on('drop table health_score_history; alter table customers drop column health_score; alter table health_scores drop column organization_id, drop column voice, drop column overall_color')
    expect((await bench.run('update_health_score', { ...score, component: 'risk', score: 0 })).body).toMatchObject({ overall: 64, previous_overall: 85, product: 85, risk: 0, voice: null })
    expect(pointers(await bench.refuse('update_health_score', { ...score, component: 'voice' }))).toEqual(['/component'])
  })

  test('with one row a customer', async () => {
    const bench = await on('alter table health_scores add unique (customer_id)')
    const { body } = await bench.run('update_health_score', { ...score, component: 'risk', score: 0, notes: 'n' })
    const rows = await bench.sql`select id, overall, risk, notes from health_scores where customer_id = ${ACME}`
    expect(rows).toEqual([{ id: body['id'], overall: 68, risk: 0, notes: 'n' }])
    const { body: created } = await bench.run('create_customer', { name: 'New' })
    for (const value of [10, 20]) expect((await bench.run('update_health_score', { ...score, customer_id: created['id'], score: value })).body['overall']).toBe(value)
  })

  test('a component is rounded as its column rounds it', async () => {
    const bench = await on('')
    expect((await bench.run('update_health_score', { ...score, component: 'risk', score: 44.5 })).body).toMatchObject({ risk: 45, overall: 77 })
    expect((await bench.run('update_health_score', { ...score, score: 44.5 })).body).toMatchObject({ overall: 45 })
  })
})

test('ids need not be UUIDs', async () => {
  const bench = await on(`create table customers (id text primary key, name text, organization_id uuid, tier text, metadata json);
    insert into customers values ('cust_123', 'Acme', '${DEMO}');
    create table tasks (id text primary key, customer_id text references customers, title text, is_private boolean not null, tags text[] not null)`, false)
  expect((await bench.run('create_task', { customer_id: 'cust_123', title: 'x' })).body).toMatchObject({ customer_id: 'cust_123', id: expect.stringMatching(/^[0-9a-f-]{36}$/) })
  expect(await only(bench, 'tasks')).toMatchObject({ is_private: false, tags: [] })
  expect((await bench.run('update_customer', { customer_id: 'cust_123', tier: 'Gold', metadata: { a: 1 } })).body).toMatchObject({ id: 'cust_123', tier: 'Gold' })
  expect((await bench.run('create_customer', { name: 'New' })).body).toMatchObject({ id: expect.stringMatching(/^[0-9a-f-]{36}$/) })
})

test('a schema that changes while we run is read anew', async () => {
  const bench = await on('')
  await bench.run('create_task', { customer_id: ACME, title: 'a', description: 'b' })
  await bench.sql`alter table tasks drop column description`
  expect((await bench.run('create_task', { customer_id: ACME, title: 'a', description: 'b' })).body['description']).toBeNull()
  await bench.sql`drop table customer_activities`
  expect((await bench.run('log_activity', { customer_id: ACME, activity_type: 'call', description: 'x' })).body['stored_type']).toBe('call')
  await bench.sql`drop table risk_signals`
  expect((await bench.refuse('create_risk_signal', { customer_id: ACME, signal_type: 'x' })).code).toBe('action_unavailable')
})

test('rules of the database that a write breaks name the field', async () => {
  const bench = await on(`alter table customers add unique (domain, organization_id), alter arr type numeric(9,2);
    alter table tasks add constraint tasks_title_check check (length(title) > 2);
    create function refuse() returns trigger language plpgsql as $$ begin raise exception 'secret reason'; end $$;
    create trigger refuse before insert on risk_signals for each row execute function refuse()`)
  const duplicate = await bench.refuse('create_customer', { name: 'x', domain: 'acme.com' })
  expect([duplicate.code, duplicate.errors]).toEqual(['validation_failed', [{ pointer: '/domain', detail: 'Another record has the same value in domain, organization_id of table customers', code: 'duplicate' }]])
  expect(pointers(await bench.refuse('update_customer', { customer_id: customer(2), arr: 10_000_000 }))).toEqual(['/arr'])
  expect(pointers(await bench.refuse('create_task', { customer_id: ACME, title: 'x' }))).toEqual(['/title'])
  const refused = await bench.refuse('create_risk_signal', { customer_id: ACME, signal_type: 'x' })
  expect([refused.code, refused.message]).toEqual(['action_unavailable', 'A rule of this CSCX database refused the record'])
})
