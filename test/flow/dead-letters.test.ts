import type { DeadLetterSummary, DeliveryDetail } from '../../shared/delivery.js'
import type { Page } from '../../shared/pagination.js'
import type { DeliveryView, WebhookView } from '../../shared/webhook.js'
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
  server = await startTestServer(database.url, { RETRY_SCHEDULE: '50ms' })
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
async function createWebhook (more: Record<string, unknown> = {}): Promise<{ id: string, path: string }> {
  const path = `/hook-${++paths}`
  const { status, body } = await call<WebhookView>('POST', '/api/webhooks/outbound', { name: `Webhook ${paths}`, url: receiver.url(path), events: ['task.created'], ...more })
  expect(status).toBe(201)
  return { id: body.id, path }
}

async function postTask (title: string): Promise<string> {
  const { status, body } = await call('POST', '/api/events', { event: 'task.created', data: { task_id: title, title } })
  expect(status).toBe(202)
  return body['id'] as string
}

async function deadLetter (webhookId: string, path: string): Promise<DeliveryView> {
  receiver.answer((request, response) => response.writeHead(request.path === path ? 500 : 200, { 'x-served-by': 'test' }).end('no'))
  const eventId = await postTask('Fails')
  return await eventually(async () => {
    const { body } = await call<Page<DeliveryView>>('GET', `/api/dead-letters?webhook_id=${webhookId}&event_id=${eventId}`)
    expect(body.data).toHaveLength(1)
    return body.data[0]!
  })
}

const inspect = async (id: string) => (await call<DeliveryDetail>('GET', `/api/deliveries/${id}`)).body

async function list (query: string): Promise<string[]> {
  const { status, body } = await call<Page<DeliveryView>>('GET', `/api/deliveries?limit=100&${query}`)
  expect(status).toBe(200)
  return body.data.map(({ id }) => id)
}

test('a dead letter is listed, and inspected with all that is known of its attempts', async () => {
  const { id: webhookId, path } = await createWebhook({ headers: { Authorization: 'Bearer sesame' } })
  const { id } = await deadLetter(webhookId, path)
  const delivery = await inspect(id)
  expect(delivery).toMatchObject({ webhook_id: webhookId, event: 'task.created', status: 'dead_letter', under_way: false, attempt_count: 2, error: 'http_500', payload: { title: 'Fails' } })
  expect(delivery.attempts.map(({ number }) => number)).toEqual([1, 2])
  expect(delivery.attempts[0]).toMatchObject({ address: '127.0.0.1', response_status: 500, response_body: 'no', error: 'http_500' })
  expect(delivery.attempts[0]!.phases.first_byte_ms).toEqual(expect.any(Number))
  expect(delivery.attempts[0]!.key_id).toEqual(expect.any(String))
  expect(delivery.attempts[0]!.request_headers).toMatchObject({ Authorization: '••••••••', 'webhook-id': delivery.event_id })
  expect(delivery.attempts[0]!.response_headers).toMatchObject({ 'x-served-by': 'test' })
  const [listed] = (await call<Page<DeliveryView>>('GET', `/api/dead-letters?webhook_id=${webhookId}`)).body.data
  expect(listed!.attempts[0]).not.toHaveProperty('request_headers')
})

test('one that is redelivered comes with the id that it had, and its attempts are counted on', async () => {
  const { id: webhookId, path } = await createWebhook()
  const { id, event_id: eventId } = await deadLetter(webhookId, path)
  receiver.answer(200)
  expect((await call<DeliveryDetail>('POST', `/api/deliveries/${id}/redeliver`)).status).toBe(200)
  const requests = await receiver.requests(path, 3)
  expect(requests.map(({ headers }) => headers['webhook-id'])).toEqual([eventId, eventId, eventId])
  const delivery = await eventually(async () => {
    const found = await inspect(id)
    expect(found.status).toBe('delivered')
    return found
  })
  expect(delivery).toMatchObject({ retry_count: 0, attempt_count: 3, error: null })
  expect(delivery.attempts.map(({ number }) => number)).toEqual([1, 2, 3])
  await call('POST', `/api/deliveries/${id}/redeliver`)
  expect((await receiver.requests(path, 4))[3]!.envelope.id).toBe(eventId)
})

test('one that fails again after a redelivery has a whole retry schedule before it is a dead letter again', async () => {
  const { id: webhookId, path } = await createWebhook()
  const { id } = await deadLetter(webhookId, path)
  await call('POST', `/api/deliveries/${id}/redeliver`)
  await eventually(async () => expect(await inspect(id)).toMatchObject({ status: 'dead_letter', attempt_count: 4 }))
  expect(receiver.received.filter((request) => request.path === path)).toHaveLength(4)
})

test('a retry is had now, and not twice', async () => {
  const { id: webhookId, path } = await createWebhook()
  const [pending] = await seedDeliveries(database.sql, { webhookId, count: 1, status: 'pending' })
  const { body } = await call<DeliveryDetail>('POST', `/api/deliveries/${pending!.deliveryId}/retry`)
  expect(body).toMatchObject({ status: expect.stringMatching(/^(pending|delivered)$/) })
  const [request] = await receiver.requests(path)
  expect(request!.envelope.id).toBe(pending!.eventId)
  await eventually(async () => expect(await inspect(pending!.deliveryId)).toMatchObject({ status: 'delivered', attempt_count: 2, retry_count: 1 }))
  expect(await call('POST', `/api/deliveries/${pending!.deliveryId}/retry`)).toMatchObject({ status: 409, body: { code: 'conflict' } })
})

test('what is being sent at this moment is not sent a second time', async () => {
  const { path } = await createWebhook()
  let answer = () => {}
  receiver.answer((request, response) => {
    if (request.path === path) answer = () => response.writeHead(200).end()
    else response.writeHead(200).end()
  })
  await postTask('Slow')
  const [request] = await receiver.requests(path)
  const id = request!.headers['x-cscx-delivery'] as string
  expect(await inspect(id)).toMatchObject({ status: 'pending', under_way: true, next_attempt_at: null })
  for (const action of ['retry', 'redeliver']) {
    expect(await call('POST', `/api/deliveries/${id}/${action}`)).toMatchObject({ status: 409, body: { code: 'conflict', detail: 'It is being sent at this moment' } })
  }
  answer()
  await eventually(async () => expect(await inspect(id)).toMatchObject({ status: 'delivered', attempt_count: 1 }))
  expect(receiver.received.filter((received) => received.path === path)).toHaveLength(1)
})

test('Retry-After is not undercut by a retry', async () => {
  const { id: webhookId } = await createWebhook()
  const [pending] = await seedDeliveries(database.sql, { webhookId, count: 1, status: 'pending' })
  await database.sql`update cscx_zapier.outbound_webhooks set throttled_until = now() + interval '10 minutes' where id = ${webhookId}`
  const [{ until }] = await database.sql<[{ until: Date }]>`select throttled_until as until from cscx_zapier.outbound_webhooks where id = ${webhookId}`
  const { body } = await call<DeliveryDetail>('POST', `/api/deliveries/${pending!.deliveryId}/retry`)
  expect(body).toMatchObject({ status: 'pending', next_attempt_at: until.toISOString() })
})

test('a delivery of an ordered webhook does not overtake older ones', async () => {
  const { id: webhookId } = await createWebhook({ ordered: true })
  const [first, second] = await seedDeliveries(database.sql, { webhookId, count: 2, status: 'pending' })
  await database.sql`update cscx_zapier.webhook_deliveries set ordered = true, next_attempt_at = case when id = ${first!.deliveryId} then next_attempt_at else 'infinity' end where webhook_id = ${webhookId}`
  expect(await call('POST', `/api/deliveries/${second!.deliveryId}/retry`)).toMatchObject({ status: 409, body: { detail: 'Its webhook is ordered, and older deliveries come before it' } })
  expect((await call('POST', `/api/deliveries/${first!.deliveryId}/retry`)).status).toBe(200)
  await eventually(async () => expect([await inspect(first!.deliveryId), await inspect(second!.deliveryId)]).toMatchObject([{ status: 'delivered' }, { status: 'delivered' }]))
})

test('nothing is redelivered to a webhook that is paused or deleted', async () => {
  const { id: webhookId, path } = await createWebhook()
  const [letter] = await seedDeliveries(database.sql, { webhookId, count: 1, status: 'dead_letter' })
  await call('PUT', `/api/webhooks/outbound/${webhookId}`, { active: false })
  expect(await call('POST', `/api/deliveries/${letter!.deliveryId}/redeliver`)).toMatchObject({ status: 409, body: { code: 'conflict', detail: expect.stringContaining('paused or disabled') } })
  await call('DELETE', `/api/webhooks/outbound/${webhookId}`)
  expect(await call('POST', `/api/deliveries/${letter!.deliveryId}/redeliver`)).toMatchObject({ status: 409, body: { code: 'conflict', detail: 'Its webhook has been deleted' } })
  expect(await inspect(letter!.deliveryId)).toMatchObject({ status: 'dead_letter', attempt_count: 1 })
  expect(receiver.received.filter((request) => request.path === path)).toHaveLength(0)
})

test('dead letters and held ones are discarded, as often as one likes; others are not', async () => {
  const { id: webhookId } = await createWebhook()
  const seeded = Object.fromEntries(await Promise.all((['dead_letter', 'held', 'delivered', 'pending', 'cancelled', 'filtered'] as const)
    .map(async (status) => [status, (await seedDeliveries(database.sql, { webhookId, count: 1, status }))[0]!.deliveryId] as const)))
  for (const status of ['dead_letter', 'held', 'dead_letter', 'held']) {
    expect(await call('POST', `/api/deliveries/${seeded[status]}/discard`)).toMatchObject({ status: 200, body: { status: 'discarded' } })
  }
  for (const status of ['delivered', 'pending', 'cancelled', 'filtered']) {
    expect(await call('POST', `/api/deliveries/${seeded[status]}/discard`)).toMatchObject({ status: 409, body: { code: 'conflict' } })
    expect((await inspect(seeded[status]!)).status).toBe(status)
  }
})

test('a test that fails is nobody\'s dead letter', async () => {
  const { id: webhookId } = await createWebhook()
  receiver.answer(500)
  const { body } = await call<DeliveryDetail>('POST', `/api/webhooks/outbound/${webhookId}/test`, {})
  expect(body).toMatchObject({ is_test: true, status: 'discarded', error: 'http_500', attempt_count: 1 })
  expect(body.attempts).toMatchObject([{ number: 1, response_status: 500, address: '127.0.0.1' }])
  expect((await call<Page<DeliveryView>>('GET', `/api/dead-letters?webhook_id=${webhookId}`)).body.data).toEqual([])
})

describe('many', () => {
  test('are counted for each webhook, and discarded only if no more than somebody has seen', async () => {
    const [{ id: a }, { id: b }] = [await createWebhook(), await createWebhook()]
    await seedDeliveries(database.sql, { webhookId: a, count: 7, status: 'dead_letter' })
    await seedDeliveries(database.sql, { webhookId: b, count: 3, status: 'dead_letter', event: 'task.completed', at: Date.UTC(2026, 0, 2) })
    const { body: summary } = await call<DeadLetterSummary>('GET', '/api/dead-letters/summary')
    expect(summary.webhooks).toEqual(expect.arrayContaining([
      expect.objectContaining({ webhook_id: a, count: 7 }),
      expect.objectContaining({ webhook_id: b, count: 3, oldest: '2026-01-02T00:00:00.000Z', newest: '2026-01-02T00:00:00.002Z' })
    ]))
    expect(summary.is_whole).toBe(true)
    expect(summary.count).toBe(summary.webhooks.reduce((sum, { count }) => sum + count, 0))

    const refused = await call('POST', '/api/dead-letters/discard', { webhook_id: a, count: 6 })
    expect(refused).toMatchObject({ status: 409, body: { code: 'conflict', errors: [{ pointer: '/count', code: 'count_changed' }] } })
    expect(await list(`webhook_id=${a}&status=dead_letter`)).toHaveLength(7)
    expect((await call('POST', '/api/dead-letters/discard', { webhook_id: a, count: 7 })).body).toEqual({ discarded: 7 })
    expect(await list(`webhook_id=${a}&status=discarded`)).toHaveLength(7)
    expect((await call('POST', '/api/dead-letters/discard', { events: ['task.completed'], from: '2026-01-02T00:00:00.001Z', to: '2026-01-02T00:00:00.002Z', count: 100 })).body).toEqual({ discarded: 1 })
    expect(await list(`webhook_id=${b}&status=dead_letter`)).toHaveLength(2)
  })

  test('are found by status, event type, event, customer and time', async () => {
    const [{ id: a }, { id: b }] = [await createWebhook(), await createWebhook()]
    const at = Date.UTC(2026, 1, 3)
    const ids = async (seed: Parameters<typeof seedDeliveries>[1]) => (await seedDeliveries(database.sql, seed)).map(({ deliveryId }) => deliveryId).reverse()
    const delivered = await ids({ webhookId: a, count: 2, status: 'delivered', at })
    const dead = await ids({ webhookId: a, count: 2, status: 'dead_letter', at: at + 10 })
    const other = await ids({ webhookId: a, count: 1, status: 'delivered', event: 'task.completed', at: at + 20 })
    const elsewhere = await ids({ webhookId: b, count: 2, status: 'held', customerId: 'cus_1', at: at + 5 })
    const time = 'from=2026-02-03T00:00:00Z&to=2026-02-03T00:00:01Z'
    expect(await list(time)).toEqual([...other, ...dead, ...elsewhere, ...delivered])
    expect(await list(`${time}&webhook_id=${a}`)).toEqual([...other, ...dead, ...delivered])
    expect(await list(`${time}&status=held`)).toEqual(elsewhere)
    expect(await list(`${time}&status=held&status=dead_letter`)).toEqual([...dead, ...elsewhere])
    expect(await list(`${time}&event=task.completed`)).toEqual(other)
    expect(await list(`${time}&event=task.completed&event=task.created&status=delivered`)).toEqual([...other, ...delivered])
    expect(await list('customer_id=cus_1')).toEqual(elsewhere)
    expect(await list(`customer_id=cus_1&webhook_id=${a}`)).toEqual([])
    expect(await list('from=2026-02-03T00:00:00.006Z&to=2026-02-03T00:00:00.011Z')).toEqual([dead[1], elsewhere[0]])
    expect(await list(`event_id=${(await inspect(other[0]!)).event_id}`)).toEqual(other)
    expect((await call('GET', '/api/deliveries?status=lost&from=yesterday')).body['errors']).toMatchObject([{ pointer: '#query/from' }, { pointer: '#query/status' }].sort())
  })

  test('come page by page, each once, also where few of many match', async () => {
    const { id: webhookId } = await createWebhook()
    const at = Date.UTC(2026, 2, 1)
    await seedDeliveries(database.sql, { webhookId, count: 30_000, status: 'delivered', customerId: 'cus_many', at })
    const rare = await seedDeliveries(database.sql, { webhookId, count: 3, status: 'cancelled', customerId: 'cus_many', at: at - 10 })
    await seedDeliveries(database.sql, { webhookId, count: 30_000, status: 'delivered', customerId: 'cus_many', at: at + 30_000 })
    const wanted = rare.map(({ deliveryId }) => deliveryId).reverse()
    for (const query of [`webhook_id=${webhookId}&status=cancelled`, 'customer_id=cus_many&status=cancelled', 'status=cancelled&event=task.created&from=2026-02-28T00:00:00Z&to=2026-03-02T00:00:00Z']) {
      const found: string[] = []
      let cursor: string | null = null
      let pages = 0
      do {
        const { body }: { body: Page<DeliveryView> } = await call<Page<DeliveryView>>('GET', `/api/deliveries?limit=2&${query}${cursor === null ? '' : `&cursor=${cursor}`}`)
        found.push(...body.data.map(({ id }) => id))
        cursor = body.next_cursor
        pages++
      } while (cursor !== null && pages < 50)
      expect(found).toEqual(wanted)
      expect(pages).toBeGreaterThan(2)
    }
  })
})

test('deliveries of one tenant do not exist for the other', async () => {
  const { id: webhookId } = await createWebhook()
  const [letter] = await seedDeliveries(database.sql, { webhookId, count: 1, status: 'dead_letter', customerId: 'cus_ours' })
  const at = `/api/deliveries/${letter!.deliveryId}`
  const answers = [await theirs('GET', at), await theirs('POST', `${at}/redeliver`), await theirs('POST', `${at}/retry`), await theirs('POST', `${at}/discard`)]
  expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404])
  for (const query of ['', `?webhook_id=${webhookId}`, `?event_id=${letter!.eventId}`, '?customer_id=cus_ours', '?status=dead_letter']) {
    expect((await theirs<Page<DeliveryView>>('GET', `/api/deliveries${query}`)).body.data).toEqual([])
  }
  expect((await theirs('GET', '/api/dead-letters/summary')).body).toEqual({ count: 0, is_whole: true, webhooks: [] })
  expect((await theirs('POST', '/api/dead-letters/discard', { webhook_id: webhookId, count: 10 })).body).toEqual({ discarded: 0 })
  expect((await inspect(letter!.deliveryId)).status).toBe('dead_letter')
})
