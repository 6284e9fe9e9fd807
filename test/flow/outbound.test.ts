import { eventually } from '../helpers/eventually.js'
import { createDatabase, type TestDatabase } from '../helpers/postgres.js'
import { Receiver, verify } from '../helpers/receiver.js'
import { apiClient, apiKey, startTestServer, type TestServer } from '../helpers/server.js'
import { signLegacy } from '../../shared/signature.js'
import type { CreatedSubscription, DeliveryView, WebhookView } from '../../shared/webhook.js'
import type { Page } from '../../shared/pagination.js'

type Created = WebhookView & { secret: string }

let database: TestDatabase
let server: TestServer
let receiver: Receiver
let call: ReturnType<typeof apiClient>

beforeAll(async () => {
  database = await createDatabase()
  receiver = await Receiver.start()
  server = await startTestServer(database.url)
  call = apiClient(server.url, await apiKey(database.url, 'demo'))
})

afterAll(async () => {
  await server.stop()
  await receiver.stop()
  await database.drop()
})

beforeEach(() => receiver.answer(200))

let paths = 0
async function createWebhook (events: string[], more: Record<string, unknown> = {}): Promise<{ path: string, webhook: Created }> {
  const path = `/hook-${++paths}`
  const { status, body } = await call<Created>('POST', '/api/webhooks/outbound', { name: 'Test', url: receiver.url(path), events, ...more })
  expect(status).toBe(201)
  return { path, webhook: body }
}

async function logs (id: string, query = ''): Promise<DeliveryView[]> {
  return (await call<Page<DeliveryView>>('GET', `/api/webhooks/outbound/${id}/logs${query}`)).body.data
}

/** Changes the score of demo's Acme Corp as CSCX's own services would: by SQL, knowing nothing of us. */
async function setScore (score: number): Promise<void> {
  await database.sql`update customers set health_score = ${score} where name = 'Acme Corp' and organization_id = (select id from organizations where slug = 'demo')`
}

test('a changed score reaches the webhook, signed', async () => {
  await setScore(85)
  const { path, webhook } = await createWebhook(['health_score.changed'], { headers: { 'X-Team': 'success', Authorization: 'Bearer token' } })
  await setScore(62)
  const [request] = await receiver.requests(path)
  const envelope = verify(webhook.secret, request!)
  expect(envelope).toMatchObject({
    id: request!.headers['webhook-id'],
    event: 'health_score.changed',
    data: { customer_name: 'Acme Corp', previous_score: 85, new_score: 62, change: -23, trend: 'declining', origin: 'cscx', origin_id: null }
  })
  expect(envelope.data['csm_email']).toMatch(/@/)
  const { event, timestamp, data } = envelope
  expect(request!.headers['x-cscx-signature']).toBe(signLegacy(webhook.secret, JSON.stringify({ event, timestamp, data })))
  expect(envelope.signature).toBe(request!.headers['x-cscx-signature'])
  expect(request!.headers).toMatchObject({ 'x-cscx-event': 'health_score.changed', 'x-team': 'success', authorization: 'Bearer token', 'content-type': 'application/json' })
  const [delivery] = await eventually(async () => {
    const found = await logs(webhook.id)
    expect(found[0]?.status).toBe('delivered')
    return found
  })
  expect(delivery).toMatchObject({ id: request!.headers['x-cscx-delivery'], event_id: envelope.id, response_status: 200, response_body: 'ok', retry_count: 0, payload: data })
  expect(delivery!.attempts).toHaveLength(1)
})

test('secrets and headers are not readable in the database, nor credentials in answers', async () => {
  const { webhook } = await createWebhook(['task.created'], { headers: { Authorization: 'Bearer sesame', 'X-Team': 'success' } })
  const [row] = await database.sql`select to_jsonb(w)::text as text from cscx_zapier.outbound_webhooks w where id = ${webhook.id}`
  expect(row!['text']).not.toContain(webhook.secret)
  expect(row!['text']).not.toContain('sesame')
  const { body } = await call<Created>('GET', `/api/webhooks/outbound/${webhook.id}`)
  expect(body.secret).toBeUndefined()
  expect(body.headers).toEqual({ Authorization: '••••••••', 'X-Team': 'success' })
  const changed = await call<Created>('PUT', `/api/webhooks/outbound/${webhook.id}`, { headers: { ...body.headers, 'X-Team': 'sales' } })
  expect(changed.body.headers).toEqual({ Authorization: '••••••••', 'X-Team': 'sales' })
  const test = await call<DeliveryView>('POST', `/api/webhooks/outbound/${webhook.id}/test`, {})
  expect(test.body).toMatchObject({ status: 'delivered', is_test: true, event: 'task.created', response_status: 200 })
  const [request] = await receiver.requests(new URL(webhook.url).pathname)
  expect(request!.headers.authorization).toBe('Bearer sesame')
  verify(webhook.secret, request!)
})

test('a failing receiver is retried on the schedule with the same id, then the delivery is a dead letter', async () => {
  const { path, webhook } = await createWebhook(['health_score.changed'])
  receiver.answer(500)
  await setScore(50)
  const requests = await receiver.requests(path, 4)
  expect(new Set(requests.map((request) => request.envelope.id)).size).toBe(1)
  expect(new Set(requests.map((request) => request.headers['x-cscx-delivery'])).size).toBe(1)
  const delivery = await eventually(async () => {
    const [found] = await logs(webhook.id, '?status=dead_letter')
    expect(found).toBeDefined()
    return found!
  })
  expect(delivery).toMatchObject({ error: 'http_500', next_attempt_at: null })
  expect(delivery.attempts.map((attempt) => attempt.number)).toEqual([1, 2, 3, 4])
  expect(receiver.received.filter((request) => request.path === path)).toHaveLength(4)
})

test('410 switches the webhook off; 429 waits without counting', async () => {
  const { path, webhook } = await createWebhook(['health_score.changed'])
  let answers = 0
  receiver.answer((request, response) => {
    if (request.path !== path) return response.writeHead(200).end()
    return response.writeHead(++answers <= 5 ? 429 : 410, { 'retry-after': '0' }).end()
  })
  await setScore(70)
  await receiver.requests(path, 6)
  await eventually(async () => {
    const { body } = await call<WebhookView>('GET', `/api/webhooks/outbound/${webhook.id}`)
    expect(body).toMatchObject({ active: false, disabled_reason: 'gone' })
  })
  expect((await logs(webhook.id))[0]).toMatchObject({ status: 'held', retry_count: 0 })
})

test('a paused webhook loses nothing: neither what was waiting nor what happens meanwhile', async () => {
  const { path, webhook } = await createWebhook(['health_score.changed'])
  receiver.answer(500)
  await setScore(41)
  await receiver.requests(path, 1)
  await call('PUT', `/api/webhooks/outbound/${webhook.id}`, { active: false })
  await eventually(async () => {
    expect((await logs(webhook.id))[0]).toMatchObject({ status: 'held', next_attempt_at: null })
  })
  await setScore(43)
  await eventually(async () => expect((await logs(webhook.id)).map(({ status }) => status)).toEqual(['held', 'held']))
  const before = receiver.received.filter((request) => request.path === path).length
  receiver.answer(200)
  await call('PUT', `/api/webhooks/outbound/${webhook.id}`, { active: true })
  await eventually(async () => expect((await logs(webhook.id)).map(({ status }) => status)).toEqual(['delivered', 'delivered']))
  expect((await receiver.requests(path, before + 2)).slice(before).map(({ envelope }) => envelope.data['new_score']).sort()).toEqual([41, 43])
})

test('webhooks are listed in pages, changed and deleted', async () => {
  const { webhook } = await createWebhook(['task.created', 'task.created', 'task.completed'])
  expect(webhook.events).toEqual(['task.created', 'task.completed'])
  const first = (await call<Page<WebhookView>>('GET', '/api/webhooks/outbound?limit=2')).body
  expect(first.data[0]?.id).toBe(webhook.id)
  const second = (await call<Page<WebhookView>>('GET', `/api/webhooks/outbound?limit=2&cursor=${first.next_cursor}`)).body
  expect(second.data.map(({ id }) => id)).not.toEqual(expect.arrayContaining(first.data.map(({ id }) => id)))
  const changed = await call<WebhookView>('PUT', `/api/webhooks/outbound/${webhook.id}`, { name: 'Renamed' })
  expect(changed.body).toMatchObject({ name: 'Renamed', events: ['task.created', 'task.completed'] })
  expect((await call('DELETE', `/api/webhooks/outbound/${webhook.id}`)).status).toBe(204)
  expect((await call('GET', `/api/webhooks/outbound/${webhook.id}`)).status).toBe(404)
  expect((await call('DELETE', `/api/webhooks/outbound/${webhook.id}`)).status).toBe(404)
})

test('a mask stands for the value that was there, whole or not at all', async () => {
  const { status, body } = await call('POST', '/api/webhooks/outbound', { name: 'x', url: receiver.url(), events: ['task.created'], headers: { A: 'Bearer ••••', B: '••••••••', C: 'x' } })
  expect(status).toBe(422)
  expect((body['errors'] as Array<{ pointer: string }>).map(({ pointer }) => pointer)).toEqual(['/headers/A', '/headers/B'])
  const { webhook } = await createWebhook(['task.created'], { headers: { Authorization: 'Bearer sesame' } })
  const changed = await call('PUT', `/api/webhooks/outbound/${webhook.id}`, { headers: { Authorization: '••••••••', A: '••••••••', B: 'x', C: '••••••••' } })
  expect(changed.status).toBe(422)
  expect((changed.body['errors'] as Array<{ pointer: string }>).map(({ pointer }) => pointer)).toEqual(['/headers/A', '/headers/C'])
})

test.each([
  ['http://10.0.0.1/', '/url'], ['https://169.254.169.254/latest', '/url'], ['file:///etc/passwd', '/url'], ['https://u:p@example.com', '/url']
])('the URL %s is refused', async (url, pointer) => {
  const { status, body } = await call('POST', '/api/webhooks/outbound', { name: 'x', url, events: ['task.created'] })
  expect(status).toBe(422)
  expect(body['errors']).toMatchObject([{ pointer, code: 'invalid_url' }])
})

test('headers that belong to us or to the connection are refused', async () => {
  const { status, body } = await call('POST', '/api/webhooks/outbound', { name: 'x', url: receiver.url(), events: ['task.created'], headers: { 'Webhook-Id': '1', Host: 'x' } })
  expect(status).toBe(422)
  expect(body['errors']).toHaveLength(2)
})

test('410 ends a Zapier subscription: it is gone, its secret is wiped, and its log still tells why', async () => {
  const { body } = await call<CreatedSubscription>('POST', '/api/zapier/subscribe', { event: 'health_score.changed', target_url: receiver.url('/gone') })
  receiver.answer((request, response) => response.writeHead(request.path === '/gone' ? 410 : 200).end())
  await setScore(55)
  await eventually(async () => expect((await call('GET', `/api/webhooks/outbound/${body.id}`)).status).toBe(404))
  expect((await logs(body.id))[0]).toMatchObject({ status: 'cancelled', error: 'gone', response_status: 410 })
  expect(await database.sql`select secret, headers from cscx_zapier.outbound_webhooks where id = ${body.id}`).toMatchObject([{ secret: '', headers: {} }])
  expect((await call('DELETE', `/api/zapier/unsubscribe/${body.id}`)).status).toBe(204)
})

test('deliveries that a fan-out leaves for a webhook deleted at that moment are cancelled', async () => {
  const { webhook } = await createWebhook(['health_score.changed'], { active: false })
  await setScore(56)
  await eventually(async () => expect(await logs(webhook.id)).toHaveLength(1))
  await call('DELETE', `/api/webhooks/outbound/${webhook.id}`)
  await database.sql`update cscx_zapier.webhook_deliveries set status = 'pending', next_attempt_at = now() where webhook_id = ${webhook.id}`
  await eventually(async () => expect((await logs(webhook.id))[0]).toMatchObject({ status: 'cancelled' }))
})

test('Zapier subscribes, receives and unsubscribes, as often as it likes', async () => {
  const { status, body } = await call<CreatedSubscription>('POST', '/api/zapier/subscribe', { event: 'customer.created', target_url: receiver.url('/zap') })
  expect(status).toBe(201)
  expect(body.secret).toMatch(/^whsec_/)
  await database.sql`insert into customers (name, organization_id) select 'Hooli', id from organizations where slug = 'demo'`
  const [request] = await receiver.requests('/zap')
  expect(verify(body.secret, request!).data).toMatchObject({ customer_name: 'Hooli' })
  expect((await call('DELETE', `/api/zapier/unsubscribe/${body.id}`)).status).toBe(204)
  expect((await call('DELETE', `/api/zapier/unsubscribe/${body.id}`)).status).toBe(204)
  await database.sql`insert into customers (name, organization_id) select 'Hooli 2', id from organizations where slug = 'demo'`
  const { path } = await createWebhook(['customer.created'])
  await database.sql`insert into customers (name, organization_id) select 'Hooli 3', id from organizations where slug = 'demo'`
  await receiver.requests(path)
  expect(receiver.received.filter((received) => received.path === '/zap')).toHaveLength(1)
})
