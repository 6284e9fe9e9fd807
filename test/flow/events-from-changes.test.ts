import postgres from 'postgres'
import { events } from '../../shared/catalogue/index.js'
import { eventually } from '../helpers/eventually.js'
import { createDatabase, type TestDatabase } from '../helpers/postgres.js'
import { apiClient, apiKey, startTestServer, type TestServer } from '../helpers/server.js'

/** All but those that tell what we do ourselves. */
const ofChanges = events.filter(({ sources }) => sources.every(({ kind }) => kind !== 'own'))

let database: TestDatabase
let server: TestServer

beforeAll(async () => {
  database = await createDatabase()
  server = await startTestServer(database.url)
})

afterAll(async () => {
  await server.stop()
  await database.drop()
})

const CUSTOMER = '(select c.id from customers c join organizations o on o.id = c.organization_id where o.slug = \'demo\' and c.name = \'Acme Corp\')'
const USER = '(select m.user_id from org_members m join organizations o on o.id = m.organization_id where o.slug = \'demo\' and m.status = \'active\' limit 1)'

/** What CSCX does to its tables, and what the event that follows must say. */
const cases: Array<[event: string, statements: string[], data: Record<string, unknown>]> = [
  ['health_score.changed', [`update customers set health_score = 77 where id = ${CUSTOMER}`, `update customers set health_score = 78 where id = ${CUSTOMER}`], { previous_score: 77, new_score: 78, trend: 'improving' }],
  ['health_score.critical', [`update customers set health_score = 12 where id = ${CUSTOMER}`], { new_score: 12, threshold: 40 }],
  ['customer.created', ['insert into customers (name, organization_id) select \'New Co\', id from organizations where slug = \'demo\''], { customer_name: 'New Co' }],
  ['customer.updated', [`update customers set industry = 'Aerospace', tier = 'Platinum' where id = ${CUSTOMER}`], { industry: 'Aerospace', changed_fields: ['industry', 'tier'] }],
  ['customer.deleted', ['delete from customers where name = \'New Co\''], { customer_name: 'New Co' }],
  ['risk_signal.created', [`insert into risk_signals (customer_id, signal_type, severity) values (${CUSTOMER}, 'payment_issue', 'low')`], { signal_type: 'payment_issue', severity: 'low', arr_at_risk: 120000 }],
  ['risk_signal.resolved', [`update risk_signals set resolved_at = now(), resolution_notes = 'Paid' where signal_type = 'payment_issue' and customer_id = ${CUSTOMER}`], { resolution_notes: 'Paid' }],
  ['renewal.approaching', [], { threshold_days: 7 }],
  ['renewal.at_risk', [`insert into renewals (customer_id, renewal_date, risk_level) values (${CUSTOMER}, '2031-01-31', 'critical')`], { renewal_date: '2031-01-31', risk_level: 'critical', previous_risk_level: null }],
  ['task.created', [`insert into tasks (customer_id, title) values (${CUSTOMER}, 'Send the deck')`], { title: 'Send the deck', status: 'pending' }],
  ['task.completed', ['update tasks set status = \'completed\', completed_at = now() where title = \'Send the deck\''], { title: 'Send the deck', status: 'completed' }],
  ['approval.requested', [`insert into approval_queue (user_id, action_type, action_data, expires_at) values (${USER}, 'send_email', '{"subject":"Hello"}', now() + interval '1 day')`], { action_type: 'send_email', status: 'pending' }],
  ['approval.completed', ['update approval_queue set status = \'approved\', reviewed_at = now() where action_data ->> \'subject\' = \'Hello\''], { status: 'approved' }],
  ['support_ticket.created', [`insert into support_tickets (customer_id, subject) values (${CUSTOMER}, 'It is slow')`], { subject: 'It is slow' }],
  ['support_ticket.escalated', ['update support_tickets set status = \'escalated\' where subject = \'It is slow\''], { status: 'escalated' }],
  ['meeting.scheduled', [`insert into meetings (customer_id, title, start_time) values (${CUSTOMER}, 'Review', '2031-02-01T10:00:00Z')`], { title: 'Review', starts_at: '2031-02-01T10:00:00.000Z' }],
  ['meeting.completed', ['update meetings set status = \'completed\' where title = \'Review\''], { title: 'Review', status: 'completed' }]
]

test('every event type that is read from CSCX is shown to come from a change', () => {
  expect(cases.map(([event]) => event).sort()).toEqual(ofChanges.map((event) => event.name).sort())
})

test.each(cases)('%s', async (event, statements, data) => {
  for (const statement of statements) await database.sql.unsafe(statement)
  const found = await eventually(async () => {
    const rows = await database.sql<Array<{ data: Record<string, unknown>, slug: string }>>`
      select e.data, o.slug from cscx_zapier.events e join organizations o on o.id = e.organization_id where e.type = ${event} order by e.id desc`
    const match = rows.find((row) => Object.entries(data).every(([name, value]) => JSON.stringify(row.data[name]) === JSON.stringify(value)))
    expect(match ?? rows.map((row) => row.data)).toMatchObject({ data })
    return match!
  })
  expect(Object.keys(found.data)).toEqual(Object.keys(events.find(({ name }) => name === event)!.data.shape))
  if (event !== 'renewal.approaching') expect(found.slug).toBe('demo')
})

test('both approval tables are read: each approval stands in one of them', async () => {
  await database.sql.unsafe('insert into approvals (organization_id, action_type, action_description) select id, \'discount\', \'Ten percent for Acme\' from organizations where slug = \'demo\'')
  await eventually(async () => {
    const rows = await database.sql`select data from cscx_zapier.events where type = 'approval.requested' and data ->> 'action_type' = 'discount'`
    expect(rows).toMatchObject([{ data: { description: 'Ten percent for Acme' } }])
  })
})

describe('on other CSCX databases', () => {
  test('without tenants there are no events, and the API says why', async () => {
    const other = await createDatabase({ baseline: false })
    await other.sql`create table customers (id uuid primary key default gen_random_uuid(), name text not null, health_score int)`
    await other.sql`create table organizations (id uuid primary key default gen_random_uuid(), name text, slug text unique)`
    await other.sql`insert into organizations (name, slug) values ('Org', 'org')`
    const running = await startTestServer(other.url)
    try {
      const { body } = await apiClient(running.url, await apiKey(other.url, 'org'))<{ data: Array<{ event: string, available: boolean, unavailable_reason: string }> }>('GET', '/api/zapier/triggers')
      expect(body.data.filter(({ available }) => !available).map(({ event }) => event)).toEqual(ofChanges.map(({ name }) => name))
      expect(body.data.filter(({ available }) => available)).toMatchObject([{ event: 'webhook.disabled', unavailable_reason: null }])
      expect(body.data[0]?.unavailable_reason).toMatch(/organization_id/)
    } finally {
      await running.stop()
      await other.drop()
    }
  })

  test('older tables without a tenant take the customer\'s, and scores come from where they are kept', async () => {
    const other = await createDatabase({ baseline: false })
    const client = postgres(other.url, { max: 1, onnotice: () => {} })
    await client.unsafe(`
      create table organizations (id uuid primary key default gen_random_uuid(), name text, slug text unique);
      create table customers (id uuid primary key default gen_random_uuid(), name text not null, organization_id uuid, created_at timestamptz default now(), updated_at timestamptz default now());
      create table health_score_history (id uuid primary key default gen_random_uuid(), customer_id uuid, score int, previous_score int);
      insert into organizations (name, slug) values ('Org', 'org');
      insert into customers (name, organization_id) select 'Only name', id from organizations`)
    const running = await startTestServer(other.url)
    try {
      await client.unsafe('insert into health_score_history (customer_id, score, previous_score) select id, 0, 50 from customers')
      await eventually(async () => {
        const rows = await client`select type, data from cscx_zapier.events order by type`
        expect(rows).toMatchObject([
          { type: 'health_score.changed', data: { customer_name: 'Only name', new_score: 0, change: -50, csm_email: null } },
          { type: 'health_score.critical' }
        ])
      })
      // A table that CSCX adds later is noticed without a restart.
      await client.unsafe('create table tasks (id uuid primary key default gen_random_uuid(), customer_id uuid, title text)')
      await eventually(async () => {
        await client.unsafe('insert into tasks (customer_id, title) select id, \'Later\' from customers')
        expect(await client`select 1 from cscx_zapier.events where type = 'task.created' limit 1`).toHaveLength(1)
      }, 30_000)
    } finally {
      await running.stop()
      await client.end()
      await other.drop()
    }
  })
})
