import type { Page } from '../../shared/pagination.js'
import type { RedeliveryPreview, RedeliverySummary, RedeliveryView } from '../../shared/redelivery.js'
import type { DeliveryView, WebhookView } from '../../shared/webhook.js'
import { connect } from '../../server/db/client.js'
import { RedeliveryWorker } from '../../server/outbound/index.js'
import { seedDeliveries } from '../helpers/deliveries.js'
import { eventually } from '../helpers/eventually.js'
import { createDatabase, type TestDatabase } from '../helpers/postgres.js'
import { Receiver } from '../helpers/receiver.js'
import { apiClient, apiKey, startTestServer, type TestServer } from '../helpers/server.js'

let database: TestDatabase
let server: TestServer
let receiver: Receiver
let call: ReturnType<typeof apiClient>
let theirs: ReturnType<typeof apiClient>

beforeAll(async () => {
  database = await createDatabase()
  receiver = await Receiver.start()
  server = await startTestServer(database.url)
  call = apiClient(server.url, await apiKey(database.url, 'demo'))
  theirs = apiClient(server.url, await apiKey(database.url, 'northwind'))
})

afterAll(async () => {
  await server.stop()
  await receiver.stop()
  await database.drop()
})

beforeEach(() => receiver.answer(200))

let paths = 0
async function createWebhook (more: Record<string, unknown> = {}, caller = call): Promise<{ id: string, path: string }> {
  const path = `/hook-${++paths}`
  const { status, body } = await caller<WebhookView>('POST', '/api/webhooks/outbound', { name: `Webhook ${paths}`, url: receiver.url(path), events: ['task.created'], ...more })
  expect(status).toBe(201)
  return { id: body.id, path }
}

async function start (selection: Record<string, unknown>, headers: Record<string, string> = {}): Promise<RedeliverySummary[]> {
  const { status, body } = await call<{ data: RedeliverySummary[] }>('POST', '/api/redeliveries', selection, headers)
  expect(status).toBe(202)
  return body.data
}

const progress = async (id: string) => (await call<RedeliveryView>('GET', `/api/redeliveries/${id}`)).body

async function done (id: string): Promise<RedeliveryView> {
  return await eventually(async () => {
    const found = await progress(id)
    expect(found).toMatchObject({ status: 'done', pending: 0 })
    return found
  })
}

const idsReceived = (path: string) => receiver.received.filter((request) => request.path === path).map(({ envelope }) => envelope.id)

async function statuses (webhookId: string): Promise<Record<string, number>> {
  const rows = await database.sql<Array<{ status: string, count: number }>>`select status, count(*)::int as count from cscx_zapier.webhook_deliveries where webhook_id = ${webhookId} group by 1`
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]))
}

test('a preview says what would be done, and does nothing', async () => {
  const [a, b, paused] = [await createWebhook(), await createWebhook(), await createWebhook({ active: false })]
  const at = Date.UTC(2026, 0, 10)
  const span = { from: '2026-01-10T00:00:00Z', to: '2026-01-11T00:00:00Z' }
  await seedDeliveries(database.sql, { webhookId: a.id, count: 4, status: 'dead_letter', at })
  await seedDeliveries(database.sql, { webhookId: a.id, count: 1, status: 'dead_letter', event: 'task.completed', at: at + 1_000 })
  await seedDeliveries(database.sql, { webhookId: a.id, count: 5, status: 'delivered', at })
  await seedDeliveries(database.sql, { webhookId: b.id, count: 2, status: 'dead_letter', at: at + 2_000 })
  await seedDeliveries(database.sql, { webhookId: paused.id, count: 3, status: 'dead_letter', at })
  const preview = async (selection: Record<string, unknown>) => (await call<RedeliveryPreview>('POST', '/api/redeliveries/preview', selection)).body
  expect(await preview({ ...span, per_second: 2 })).toEqual({
    count: 7,
    oldest: '2026-01-10T00:00:00.000Z',
    newest: '2026-01-10T00:00:02.001Z',
    webhooks: [{ webhook_id: a.id, name: expect.any(String), count: 5 }, { webhook_id: b.id, name: expect.any(String), count: 2 }],
    events: [{ event: 'task.created', count: 6 }, { event: 'task.completed', count: 1 }],
    left_out: 3,
    seconds: 2.5
  })
  expect(await preview({ ...span, webhook_id: a.id, statuses: ['dead_letter', 'delivered'] })).toMatchObject({ count: 10, left_out: 0 })
  expect(await preview({ ...span, events: ['task.completed'] })).toMatchObject({ count: 1, webhooks: [{ webhook_id: a.id }] })
  expect(await preview({ from: '2026-01-10T00:00:02Z', to: '2026-01-10T00:00:02.001Z' })).toMatchObject({ count: 1, webhooks: [{ webhook_id: b.id }] })
  expect(await preview({ ...span, webhook_id: b.id, events: ['task.completed'] })).toEqual({ count: 0, oldest: null, newest: null, webhooks: [], events: [], left_out: 0, seconds: 0 })
  expect(await statuses(a.id)).toEqual({ dead_letter: 5, delivered: 5 })
})

test('takes what was selected, each once, with the ids that receivers know, whatever else there is', async () => {
  const { id: webhookId, path } = await createWebhook()
  const letters = await seedDeliveries(database.sql, { webhookId, count: 40, status: 'dead_letter' })
  await seedDeliveries(database.sql, { webhookId, count: 3, status: 'delivered' })
  await seedDeliveries(database.sql, { webhookId, count: 3, status: 'discarded' })
  const [job] = await start({ webhook_id: webhookId, per_second: 1000 })
  expect(job).toMatchObject({ kind: 'redeliver', webhook_id: webhookId, status: 'running', total: 40, per_second: 1000, estimated_end: expect.any(String), finished_at: null })
  expect(await done(job!.id)).toMatchObject({ total: 40, released: 40, delivered: 40, failed: 0, estimated_end: null, finished_at: expect.any(String) })
  expect(idsReceived(path).sort()).toEqual(letters.map(({ eventId }) => eventId).sort())
  expect(await statuses(webhookId)).toEqual({ delivered: 43, discarded: 3 })
  expect((await call<Page<RedeliverySummary>>('GET', '/api/redeliveries?limit=1')).body.data).toMatchObject([{ id: job!.id, status: 'done' }])
})

test('keeps its pace, and a cancelled one takes no more', async () => {
  const { id: webhookId, path } = await createWebhook()
  await seedDeliveries(database.sql, { webhookId, count: 3, status: 'dead_letter' })
  const [job] = await start({ webhook_id: webhookId, per_second: 0.1 })
  await receiver.requests(path)
  const running = await eventually(async () => {
    const found = await progress(job!.id)
    expect(found.delivered).toBe(1)
    return found
  })
  expect(running).toMatchObject({ status: 'running', total: 3, released: 1, pending: 0 })
  expect((await call<RedeliveryView>('POST', `/api/redeliveries/${job!.id}/cancel`)).body).toMatchObject({ status: 'cancelled', released: 1, delivered: 1 })
  expect((await call<RedeliveryView>('POST', `/api/redeliveries/${job!.id}/cancel`)).body).toMatchObject({ status: 'cancelled', released: 1 })
  expect(await statuses(webhookId)).toEqual({ delivered: 1, dead_letter: 2 })
})

test('what a cancelled one has made due and nobody has tried goes back to what it was', async () => {
  const { id: webhookId, path } = await createWebhook({ rate_limit: { per_second: 0.1, burst: 1 } })
  await seedDeliveries(database.sql, { webhookId, count: 10, status: 'dead_letter' })
  await seedDeliveries(database.sql, { webhookId, count: 10, status: 'delivered' })
  await seedDeliveries(database.sql, { webhookId, count: 5, status: 'discarded' })
  const [job] = await start({ webhook_id: webhookId, statuses: ['dead_letter', 'delivered'], per_second: 1000 })
  await receiver.requests(path)
  await eventually(async () => expect(await progress(job!.id)).toMatchObject({ status: 'done', released: 20 }))
  const [second] = await start({ webhook_id: webhookId, statuses: ['discarded'], per_second: 1000 })
  await eventually(async () => expect(await progress(second!.id)).toMatchObject({ released: 5 }))
  await database.sql`update cscx_zapier.redeliveries set status = 'running' where id in ${database.sql([job!.id, second!.id])}`
  await database.sql`update cscx_zapier.outbound_webhooks set throttled_until = now() + interval '1 hour' where id = ${webhookId}`
  const { body } = await call<RedeliveryView>('POST', `/api/redeliveries/${job!.id}/cancel`)
  expect(body).toMatchObject({ status: 'cancelled', pending: 0, released: body.delivered })
  await call<RedeliveryView>('POST', `/api/redeliveries/${second!.id}/cancel`)
  const after = await statuses(webhookId)
  expect(after['pending']).toBeUndefined()
  expect(after['discarded']).toBeGreaterThanOrEqual(4)
  expect(after['dead_letter']).toBeGreaterThanOrEqual(8)
  expect(after['dead_letter']! + after['delivered']! + after['discarded']!).toBe(25)
})

test('each webhook has one of its own, so that none waits for another\'s receiver', async () => {
  const [failing, well, paused] = [await createWebhook(), await createWebhook(), await createWebhook({ active: false })]
  receiver.answer((request, response) => response.writeHead(request.path === failing.path ? 500 : 200).end())
  const at = Date.UTC(2026, 3, 1)
  for (const { id: webhookId } of [failing, well, paused]) await seedDeliveries(database.sql, { webhookId, count: 5, status: 'dead_letter', at })
  const jobs = await start({ from: '2026-04-01T00:00:00Z', to: '2026-04-02T00:00:00Z', per_second: 1000 })
  expect(jobs.map(({ webhook_id: id, total }) => ({ id, total }))).toEqual(expect.arrayContaining([{ id: failing.id, total: 5 }, { id: well.id, total: 5 }]))
  expect(jobs).toHaveLength(2)
  const byWebhook = new Map(jobs.map((job) => [job.webhook_id, job.id]))
  expect(await done(byWebhook.get(well.id)!)).toMatchObject({ delivered: 5, failed: 0 })
  expect(await done(byWebhook.get(failing.id)!)).toMatchObject({ delivered: 0, failed: 5 })
  expect(await statuses(paused.id)).toEqual({ dead_letter: 5 })
})

test('ends when its webhook is paused or deleted', async () => {
  const [paused, deleted] = [await createWebhook(), await createWebhook()]
  const jobs: string[] = []
  for (const { id: webhookId, path } of [paused, deleted]) {
    await seedDeliveries(database.sql, { webhookId, count: 3, status: 'dead_letter' })
    jobs.push((await start({ webhook_id: webhookId, per_second: 0.1 }))[0]!.id)
    await receiver.requests(path)
  }
  await call('PUT', `/api/webhooks/outbound/${paused.id}`, { active: false })
  await call('DELETE', `/api/webhooks/outbound/${deleted.id}`)
  await database.sql`update cscx_zapier.redeliveries set next_step_at = now() where id in ${database.sql(jobs)}`
  for (const id of jobs) await eventually(async () => expect(await progress(id)).toMatchObject({ status: 'cancelled', released: 1, finished_at: expect.any(String) }))
  expect(await statuses(paused.id)).toMatchObject({ dead_letter: 2 })
})

test('takes nothing that was not there when it began', async () => {
  const { id: webhookId, path } = await createWebhook()
  const early = await seedDeliveries(database.sql, { webhookId, count: 2, status: 'dead_letter' })
  const [job] = await start({ webhook_id: webhookId, per_second: 0.1 })
  await receiver.requests(path)
  await seedDeliveries(database.sql, { webhookId, count: 2, status: 'dead_letter', at: Date.now() + 60_000 })
  await database.sql`update cscx_zapier.redeliveries set next_step_at = now(), per_second = 1000 where id = ${job!.id}`
  await done(job!.id)
  expect(idsReceived(path).sort()).toEqual(early.map(({ eventId }) => eventId).sort())
  expect(await statuses(webhookId)).toEqual({ delivered: 2, dead_letter: 2 })
})

test('waits while a thousand deliveries wait for its webhook', async () => {
  const { id: webhookId } = await createWebhook()
  await seedDeliveries(database.sql, { webhookId, count: 1_000, status: 'pending' })
  await seedDeliveries(database.sql, { webhookId, count: 2, status: 'dead_letter' })
  const [job] = await start({ webhook_id: webhookId, per_second: 1000 })
  await eventually(async () => {
    const rows = await database.sql`select 1 from cscx_zapier.redeliveries where id = ${job!.id} and next_step_at > created_at + interval '2 seconds'`
    expect(rows).toHaveLength(1)
  })
  expect(await progress(job!.id)).toMatchObject({ status: 'running', released: 0 })
  await database.sql`update cscx_zapier.webhook_deliveries set status = 'discarded' where webhook_id = ${webhookId} and status = 'pending'`
  expect(await done(job!.id)).toMatchObject({ delivered: 2 })
})

test('one that cannot go on keeps no other waiting', async () => {
  const [broken, well] = [await createWebhook(), await createWebhook()]
  for (const { id: webhookId } of [broken, well]) await seedDeliveries(database.sql, { webhookId, count: 2, status: 'dead_letter' })
  const [bad] = await start({ webhook_id: broken.id, per_second: 0.1 })
  await database.sql`update cscx_zapier.redeliveries set selection = '{"statuses": ["dead_letter"], "from": "never"}', next_step_at = '2000-01-01' where id = ${bad!.id}`
  const [good] = await start({ webhook_id: well.id, per_second: 1000 })
  expect(await done(good!.id)).toMatchObject({ delivered: 2 })
  expect(await database.sql`delete from cscx_zapier.redeliveries where id = ${bad!.id} returning status, next_step_at > '2000-01-01' as was_put_off`).toMatchObject([{ status: 'running', was_put_off: true }])
})

test('several workers share the work, and nothing comes twice', async () => {
  const { id: webhookId, path } = await createWebhook()
  const letters = await seedDeliveries(database.sql, { webhookId, count: 600, status: 'dead_letter' })
  const others = connect(database.url, 4)
  const errors: unknown[] = []
  const workers = [1, 2, 3].map(() => new RedeliveryWorker({ database: others, onError: (error) => errors.push(error) }))
  await Promise.all(workers.map(async (worker) => await worker.start()))
  try {
    const jobs = await Promise.all([1, 2].map(async () => await start({ webhook_id: webhookId, per_second: 400 })))
    const ended = await Promise.all(jobs.flat().map(async ({ id }) => await eventually(async () => {
      const found = await progress(id)
      expect(found.status).toBe('done')
      return found
    })))
    // Two redeliveries of the same dead letters: whoever comes first takes one.
    expect(ended.reduce((sum, { released }) => sum + released, 0)).toBe(600)
  } finally {
    await Promise.all(workers.map(async (worker) => await worker.stop()))
    await others.close()
  }
  await eventually(async () => expect(await statuses(webhookId)).toEqual({ delivered: 600 }))
  expect(idsReceived(path).sort()).toEqual(letters.map(({ eventId }) => eventId).sort())
  expect(errors).toEqual([])
})

test('starting is safe to repeat with an Idempotency-Key', async () => {
  const { id: webhookId } = await createWebhook()
  await seedDeliveries(database.sql, { webhookId, count: 2, status: 'delivered' })
  const selection = { webhook_id: webhookId, statuses: ['delivered'], per_second: 0.1 }
  const [first] = await start(selection, { 'idempotency-key': 'again' })
  const [second] = await start(selection, { 'idempotency-key': 'again' })
  expect(second!.id).toBe(first!.id)
  await call('POST', `/api/redeliveries/${first!.id}/cancel`)
})

test('wrong selections are refused with the field that is wrong', async () => {
  const { status, body } = await call('POST', '/api/redeliveries', { statuses: ['pending'], per_second: 0, from: 'yesterday', webhook: 'x' })
  expect(status).toBe(422)
  expect((body['errors'] as Array<{ pointer: string }>).map(({ pointer }) => pointer).sort()).toEqual(['/from', '/per_second', '/statuses/0', '/webhook'])
  expect(await start({ webhook_id: '019c0932-1a80-7000-8000-5a9f1e6d2c31' })).toEqual([])
})

test('an organization has at most a hundred running', async () => {
  const { id: webhookId } = await createWebhook({}, theirs)
  await seedDeliveries(database.sql, { webhookId, count: 1, status: 'dead_letter' })
  await database.sql`
    insert into cscx_zapier.redeliveries (id, organization_id, webhook_id, kind, selection, total, per_second, next_step_at)
    select gen_random_uuid(), organization_id, id, 'redeliver', '{}', 1, 1, '2100-01-01' from cscx_zapier.outbound_webhooks, generate_series(1, 100) where id = ${webhookId}`
  expect(await theirs('POST', '/api/redeliveries', { webhook_id: webhookId })).toMatchObject({ status: 409, body: { code: 'conflict' } })
  await database.sql`delete from cscx_zapier.redeliveries where webhook_id = ${webhookId} and next_step_at = '2100-01-01'`
  expect((await theirs('POST', '/api/redeliveries', { webhook_id: webhookId })).status).toBe(202)
})

test('redeliveries of one tenant do not exist for the other, nor do the deliveries that they take', async () => {
  const { id: webhookId } = await createWebhook()
  await seedDeliveries(database.sql, { webhookId, count: 2, status: 'dead_letter' })
  const [job] = await start({ webhook_id: webhookId, per_second: 0.1 })
  expect((await theirs('GET', `/api/redeliveries/${job!.id}`)).status).toBe(404)
  expect((await theirs('POST', `/api/redeliveries/${job!.id}/cancel`)).status).toBe(404)
  expect((await theirs<Page<RedeliverySummary>>('GET', '/api/redeliveries?limit=100')).body.data.map(({ id }) => id)).not.toContain(job!.id)
  expect((await theirs<RedeliveryPreview>('POST', '/api/redeliveries/preview', { webhook_id: webhookId })).body).toMatchObject({ count: 0, left_out: 0 })
  expect((await theirs('POST', '/api/redeliveries', { webhook_id: webhookId })).body).toEqual({ data: [] })
  const { body } = await call<RedeliveryView>('POST', `/api/redeliveries/${job!.id}/cancel`)
  expect(body.status).toBe('cancelled')
  const { body: { data } } = await call<Page<DeliveryView>>('GET', `/api/deliveries?webhook_id=${webhookId}&status=pending`)
  expect(data).toEqual([])
})

test('an old delivery that is made due again may be told to wait, as a new one may', async () => {
  const { id, path } = await createWebhook()
  const [seeded] = await seedDeliveries(database.sql, { webhookId: id, count: 1, status: 'dead_letter', at: Date.now() - 10 * 86_400_000 })
  receiver.answer(429, { 'retry-after': '0' })
  expect((await call('POST', `/api/deliveries/${seeded!.deliveryId}/redeliver`)).status).toBe(200)
  await receiver.requests(path, 1)
  receiver.answer(200)
  await eventually(async () => expect(await statuses(id)).toEqual({ delivered: 1 }))
})
