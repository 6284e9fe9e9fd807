import { connect, type Database } from '../../server/db/client.js'
import { sweepRenewals } from '../../server/capture/renewals.js'
import { CscxSchema } from '../../server/cscx/tables.js'
import type { Envelope } from '../../shared/envelope.js'
import type { Page } from '../../shared/pagination.js'
import type { CreatedSubscription } from '../../shared/webhook.js'
import { eventually } from '../helpers/eventually.js'
import { createDatabase, type TestDatabase } from '../helpers/postgres.js'
import { Receiver } from '../helpers/receiver.js'
import { apiClient, apiKey, startTestServer, type TestServer } from '../helpers/server.js'

let database: TestDatabase
let server: TestServer
let receiver: Receiver
let call: ReturnType<typeof apiClient>
let demo: string

beforeAll(async () => {
  database = await createDatabase()
  receiver = await Receiver.start()
  server = await startTestServer(database.url)
  call = apiClient(server.url, await apiKey(database.url, 'demo'))
  const [row] = await database.sql<Array<{ id: string }>>`select id from organizations where slug = 'demo'`
  demo = row!.id
})

afterAll(async () => {
  await server.stop()
  await receiver.stop()
  await database.drop()
})

let paths = 0
async function subscribe (event: string): Promise<string> {
  const path = `/${event}-${++paths}`
  const { status } = await call<CreatedSubscription>('POST', '/api/zapier/subscribe', { event, target_url: receiver.url(path) })
  expect(status).toBe(201)
  return path
}

/** Events of a type so far, oldest first. */
async function eventsOf (type: string): Promise<Array<{ data: Record<string, unknown> }>> {
  return await database.sql`select data from cscx_zapier.events where type = ${type} and organization_id = ${demo} order by id`
}

test('an update of 10,000 customers in one statement is captured whole', async () => {
  await database.sql`insert into customers (name, organization_id, health_score) select 'Bulk ' || n, ${demo}, 50 from generate_series(1, 10000) n`
  await eventually(async () => expect(await database.sql`select 1 from cscx_zapier.changes limit 1`).toHaveLength(0), 50_000)
  // A subscription of Zapier's would get its 30 a second.
  const path = '/bulk'
  const { status } = await call('POST', '/api/webhooks/outbound', { name: 'Bulk', url: receiver.url(path), events: ['health_score.changed'] })
  expect(status).toBe(201)
  await database.sql`update customers set health_score = 49 where name like 'Bulk %'`
  const requests = await receiver.requests(path, 10_000).catch(() => receiver.requests(path, 10_000))
  const names = new Set(requests.map(({ envelope }) => envelope.data['customer_name']))
  expect(names.size).toBe(10_000)
  expect(new Set(requests.map(({ envelope }) => envelope.id)).size).toBe(10_000)
}, 120_000)

test('what is rolled back raises nothing, and what changes nothing neither', async () => {
  const before = (await eventsOf('customer.created')).length
  await database.sql.begin(async (tx) => {
    await tx`insert into customers (name, organization_id) values ('Rolled back', ${demo})`
    throw new Error('roll back')
  }).catch(() => {})
  await database.sql`update customers set updated_at = now(), health_score = health_score where name = 'Acme Corp'`
  await database.sql`insert into customers (name, organization_id) values ('Committed', ${demo})`
  await eventually(async () => expect((await eventsOf('customer.created')).length).toBe(before + 1))
  expect((await eventsOf('customer.created')).at(-1)?.data['customer_name']).toBe('Committed')
  expect(await database.sql`select 1 from cscx_zapier.changes`).toHaveLength(0)
})

test('shared rows, which belong to no organization, raise no events', async () => {
  const [{ count: before }] = await database.sql<[{ count: number }]>`select count(*)::int from cscx_zapier.events`
  await database.sql`insert into customers (name, organization_id) values ('Shared', null)`
  await eventually(async () => expect(await database.sql`select 1 from cscx_zapier.changes limit 1`).toHaveLength(0))
  const [{ count: after }] = await database.sql<[{ count: number }]>`select count(*)::int from cscx_zapier.events`
  expect(after).toBe(before)
})

test('records of a customer carry its name, its owner and its tenant', async () => {
  const [customer] = await database.sql<[{ id: string }]>`select id from customers where name = 'Acme Corp' and organization_id = ${demo}`
  await database.sql`insert into tasks (customer_id, title, priority) values (${customer.id}, 'Call back', 'high')`
  await database.sql`insert into risk_signals (customer_id, signal_type, severity) values (${customer.id}, 'usage_drop', 'high')`
  await eventually(async () => {
    expect((await eventsOf('task.created')).at(-1)?.data).toMatchObject({ title: 'Call back', customer_name: 'Acme Corp', csm_email: expect.stringMatching(/@/), origin: 'cscx' })
    expect((await eventsOf('risk_signal.created')).at(-1)?.data).toMatchObject({ signal_type: 'usage_drop', customer_id: customer.id })
  })
})

test('an approval finds its tenant through its user', async () => {
  const [member] = await database.sql<[{ user_id: string }]>`select user_id from org_members where organization_id = ${demo} and status = 'active' limit 1`
  await database.sql`insert into approval_queue (user_id, action_type, action_data, status, expires_at)
    values (${member.user_id}, 'send_email', '{"subject":"Renewal"}', 'pending', now() + interval '1 day')`
  await eventually(async () => expect((await eventsOf('approval.requested')).at(-1)?.data).toMatchObject({ action_type: 'send_email', requested_by_email: expect.stringMatching(/@/) }))
})

test('samples are the newest real events, or the catalogue\'s while there are none', async () => {
  await database.sql`insert into tasks (organization_id, title) values (${demo}, 'Older')`
  await database.sql`insert into tasks (organization_id, title) values (${demo}, 'Newer')`
  await eventually(async () => expect((await eventsOf('task.created')).at(-1)?.data).toMatchObject({ title: 'Newer' }))
  const real = (await call<Page<Envelope>>('GET', '/api/zapier/triggers/task.created/samples?limit=2')).body.data
  expect(real.map(({ data }) => data['title'])).toEqual(['Newer', 'Older'])
  const fallback = (await call<Page<Envelope>>('GET', '/api/zapier/triggers/meeting.completed/samples')).body.data
  expect(fallback).toHaveLength(1)
  expect(Object.keys(fallback[0]!)).toEqual(Object.keys(real[0]!))
  expect((await call('GET', '/api/zapier/triggers/no.such/samples')).status).toBe(404)
})

describe('the renewal sweep', () => {
  let product: Database
  let schema: CscxSchema
  const sweep = async (today: string) => await sweepRenewals(product, schema, [90, 60, 30, 7], today)

  beforeAll(async () => {
    product = connect(database.url, 2)
    schema = new CscxSchema(product.sql)
    await schema.refresh()
    await sweep('2030-01-01')
    await database.sql`insert into customers (name, organization_id, renewal_date) values ('Renewing', ${demo}, '2030-06-30')`
  })

  afterAll(async () => await product.close())

  async function thresholds (): Promise<unknown[]> {
    return (await eventsOf('renewal.approaching')).filter(({ data }) => data['customer_name'] === 'Renewing')
      .map(({ data }) => [data['threshold_days'], data['days_until_renewal'], data['renewal_date']])
  }

  test('raises each threshold once for each renewal date, whatever days it runs on', async () => {
    await sweep('2030-03-01')
    expect(await thresholds()).toEqual([])
    await sweep('2030-04-02')
    await sweep('2030-04-02')
    await Promise.all([sweep('2030-05-16'), sweep('2030-05-16')])
    await sweep('2030-06-29')
    await sweep('2030-06-30')
    await sweep('2030-07-01')
    expect(await thresholds()).toEqual([[90, 89, '2030-06-30'], [60, 45, '2030-06-30'], [7, 1, '2030-06-30']])
    await database.sql`update customers set renewal_date = '2031-06-30' where name = 'Renewing'`
    await sweep('2031-06-01')
    expect((await thresholds()).at(-1)).toEqual([30, 29, '2031-06-30'])
  })
})

describe('POST /api/events', () => {
  const data = { customer_id: 'c-1', customer_name: 'Acme Corp', previous_score: 80, new_score: 30, change: -50, trend: 'declining' }

  test('delivers what a producer posts', async () => {
    const path = await subscribe('health_score.changed')
    const { status, body } = await call('POST', '/api/events', { event: 'health_score.changed', data, timestamp: '2026-01-29T10:00:00+01:00' })
    expect(status).toBe(202)
    const [request] = await receiver.requests(path)
    expect(request!.envelope).toMatchObject({ id: body['id'], timestamp: '2026-01-29T09:00:00.000Z', data: { ...data, csm_email: null, origin: 'api', origin_id: expect.any(String) } })
  })

  test('names every member of the data that does not fit', async () => {
    const { status, body } = await call('POST', '/api/events', { event: 'health_score.changed', data: { ...data, new_score: 101, trend: 'up', origin: 'cscx' } })
    expect(status).toBe(422)
    expect((body['errors'] as Array<{ pointer: string }>).map(({ pointer }) => pointer).sort()).toEqual(['/data/new_score', '/data/origin', '/data/trend'])
    expect((await call('POST', '/api/events', { event: 'no.such', data: {} })).body).toMatchObject({ errors: [{ pointer: '/event' }] })
    expect((await call('POST', '/api/events', { event: 'health_score.changed', data, timestamp: '2999-01-01T00:00:00Z' })).body).toMatchObject({ errors: [{ pointer: '/timestamp' }] })
  })

  test.each([
    ['0000-01-01T00:00:00Z', 422],
    ['0001-01-01T00:00:00+01:00', 422],
    ['1970-01-01T00:59:59+01:00', 422],
    ['1970-01-01T01:00:00+01:00', 202],
    ['9999-12-31T23:59:59-01:00', 422]
  ])('at %s answers %d', async (timestamp, expected) => {
    const { status, body } = await call('POST', '/api/events', { event: 'health_score.changed', data, timestamp })
    expect(status).toBe(expected)
    expect(body).toMatchObject(expected === 422 ? { errors: [{ pointer: '/timestamp' }] } : { timestamp: '1970-01-01T00:00:00.000Z' })
  })

  test('happens once for each Idempotency-Key', async () => {
    const post = async (score: number) => await call('POST', '/api/events', { event: 'health_score.changed', data: { ...data, new_score: score } }, { 'idempotency-key': 'once' })
    const answers = await Promise.all(Array.from({ length: 10 }, async () => await post(31)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
    expect(new Set(answers.map(({ body }) => body['id'])).size).toBe(1)
    expect((await eventsOf('health_score.changed')).filter(({ data: found }) => found['new_score'] === 31)).toHaveLength(1)
    expect((await post(32)).body).toMatchObject({ status: 409, code: 'idempotency_conflict' })
    expect((await call('POST', '/api/events', { event: 'health_score.changed', data }, { 'idempotency-key': 'x'.repeat(256) })).status).toBe(422)
  })
})
