import type { ServerResponse } from 'node:http'
import type { Page } from '../../shared/pagination.js'
import type { CreatedSubscription, CreatedWebhook, DeliveryView, WebhookView } from '../../shared/webhook.js'
import { connect, type Database } from '../../server/db/client.js'
import { disableFailing } from '../../server/outbound/index.js'
import { eventually } from '../helpers/eventually.js'
import { createDatabase, type TestDatabase } from '../helpers/postgres.js'
import { Receiver, verify } from '../helpers/receiver.js'
import { apiClient, apiKey, startTestServer, type TestServer } from '../helpers/server.js'

/** What owners and receivers see of webhooks that are switched off, through the running product. */
let database: TestDatabase
let outside: Database
let server: TestServer
let receiver: Receiver
let call: ReturnType<typeof apiClient>

beforeAll(async () => {
  database = await createDatabase()
  outside = connect(database.url, 2)
  receiver = await Receiver.start()
  server = await startTestServer(database.url, { RETRY_SCHEDULE: '50ms,1h' })
  call = apiClient(server.url, await apiKey(database.url, 'demo'))
})

afterAll(async () => {
  await server.stop()
  await receiver.stop()
  await outside.close()
  await database.drop()
})

/** Answers by path; 200 where nothing is said. */
let answers: Record<string, number | ((response: ServerResponse) => void)>

beforeEach(async () => {
  answers = {}
  receiver.answer(({ path }, response) => {
    const answer = answers[path] ?? 200
    if (typeof answer === 'number') response.writeHead(answer).end()
    else answer(response)
  })
  await database.sql`update cscx_zapier.outbound_webhooks set active = false where deleted_at is null`
})

let paths = 0
async function createWebhook (events: string[]): Promise<{ path: string, webhook: CreatedWebhook }> {
  const path = `/hook-${++paths}`
  const { body } = await call<CreatedWebhook>('POST', '/api/webhooks/outbound', { name: `Hook ${paths}`, url: receiver.url(path), events })
  return { path, webhook: body }
}

const post = async (title: string) => await call<{ id: string }>('POST', '/api/events', { event: 'task.created', data: { task_id: '1', title } })
const logs = async (id: string) => (await call<Page<DeliveryView>>('GET', `/api/webhooks/outbound/${id}/logs`)).body.data
const view = async (id: string) => (await call<WebhookView>('GET', `/api/webhooks/outbound/${id}`)).body

test('410 switches a webhook off, others hear of it, signed, and nothing that it misses is lost', async () => {
  const { path: listening, webhook: listener } = await createWebhook(['webhook.disabled'])
  const { path, webhook } = await createWebhook(['task.created', 'webhook.disabled'])
  answers[path] = 410
  await post('First')
  const [told] = await receiver.requests(listening)
  expect(verify(listener.secret, told!)).toMatchObject({
    event: 'webhook.disabled',
    data: { webhook_id: webhook.id, webhook_host: new URL(receiver.url()).host, reason: 'gone', origin: 'cscx' }
  })
  expect(await view(webhook.id)).toMatchObject({ active: false, disabled_reason: 'gone', inactive_since: expect.any(String) })
  await post('Second')
  expect((await logs(webhook.id)).map(({ event, status }) => [event, status])).toEqual([['task.created', 'held'], ['task.created', 'held']])
  answers[path] = 200
  await call('PUT', `/api/webhooks/outbound/${webhook.id}`, { active: true, missed: 'deliver' })
  await eventually(async () => expect((await logs(webhook.id)).map(({ event, status }) => [event, status])).toEqual([['task.created', 'delivered'], ['task.created', 'delivered']]))
  expect(receiver.received.filter((request) => request.path === listening)).toHaveLength(1)
})

test('nobody but us can say that a webhook was disabled; everybody can listen', async () => {
  const { status, body } = await call('POST', '/api/events', { event: 'webhook.disabled', data: {} })
  expect(status).toBe(422)
  expect(body).toMatchObject({ code: 'validation_failed', errors: [{ pointer: '/event' }] })
  const { body: openApi } = await call<{ paths: Record<string, { post: { requestBody: unknown } }> }>('GET', '/openapi.json')
  expect(JSON.stringify(openApi.paths['/api/events']!.post.requestBody)).not.toContain('"webhook.disabled"')
  expect(JSON.stringify(openApi.paths['/api/zapier/subscribe']!.post.requestBody)).toContain('"webhook.disabled"')
})

test.each([
  ['deleted', 500, 'cancelled', async (id: string) => { await call('DELETE', `/api/webhooks/outbound/${id}`) }],
  ['deleted', 410, 'cancelled', async (id: string) => { await call('DELETE', `/api/webhooks/outbound/${id}`) }],
  ['deleted', 200, 'delivered', async (id: string) => { await call('DELETE', `/api/webhooks/outbound/${id}`) }],
  ['paused', 500, 'held', async (id: string) => { await call('PUT', `/api/webhooks/outbound/${id}`, { active: false }) }],
  ['paused', 410, 'held', async (id: string) => { await call('PUT', `/api/webhooks/outbound/${id}`, { active: false }) }],
  ['paused', 200, 'delivered', async (id: string) => { await call('PUT', `/api/webhooks/outbound/${id}`, { active: false }) }]
])('an answer that comes when its webhook is %s already (%i) is recorded, and leaves the delivery %s', async (_what, status, expected, switchOff) => {
  const { path, webhook } = await createWebhook(['task.created'])
  let answer = () => {}
  answers[path] = (response) => { answer = () => response.writeHead(status).end() }
  await post('Under way')
  await receiver.requests(path)
  await switchOff(webhook.id)
  const before = await database.sql`select * from cscx_zapier.outbound_webhooks where id = ${webhook.id}`
  answer()
  await eventually(async () => {
    const [delivery] = await logs(webhook.id)
    expect(delivery).toMatchObject({ status: expected, attempts: [{ number: 1, response_status: status }] })
  })
  const after = await database.sql`select * from cscx_zapier.outbound_webhooks where id = ${webhook.id}`
  const { failing_since: _since, ...rest } = before[0]!
  expect(after).toMatchObject([rest])
  expect(await database.sql`select 1 from cscx_zapier.events where type = 'webhook.disabled' and data ->> 'webhook_id' = ${webhook.id}`).toHaveLength(0)
  expect(receiver.received.filter((request) => request.path === path)).toHaveLength(1)
})

test('a webhook that really fails is switched off after its days, and one success starts them anew', async () => {
  const { path, webhook } = await createWebhook(['task.created'])
  answers[path] = 500
  for (const title of ['One', 'Two', 'Three']) await post(title)
  await eventually(async () => expect((await logs(webhook.id)).map(({ attempt_count: count }) => count)).toEqual([2, 2, 2]))
  expect((await view(webhook.id)).failing_since).toEqual(expect.any(String))
  await age(webhook.id, 6)
  answers[path] = 200
  await post('Four')
  await eventually(async () => expect((await view(webhook.id)).failing_since).toBeNull())
  expect(await disableFailing(outside)).toBe(0)
  answers[path] = 500
  await post('Five')
  await eventually(async () => expect((await view(webhook.id)).failing_since).toEqual(expect.any(String)))
  expect(await disableFailing(outside)).toBe(0)
  await age(webhook.id, 6)
  expect(await disableFailing(outside)).toBe(1)
  expect(await view(webhook.id)).toMatchObject({ active: false, disabled_reason: 'failing' })
  expect(new Set((await logs(webhook.id)).map(({ status }) => status))).toEqual(new Set(['held', 'delivered']))
})

/** Makes it so many days ago that the webhook began to fail, and spreads its first attempts over the days since. */
async function age (webhookId: string, days: number): Promise<void> {
  await database.sql`update cscx_zapier.outbound_webhooks set failing_since = now() - ${days}::int * interval '1 day' where id = ${webhookId}`
  await database.sql`
    update cscx_zapier.delivery_attempts a set started_at = now() - interval '3 days'
    from cscx_zapier.webhook_deliveries d where d.id = a.delivery_id and d.webhook_id = ${webhookId} and a.number = 1 and a.error is not null`
}

test('Zapier is told of a subscription that its owner deletes, and not of one that it ended itself', async () => {
  const subscribe = async (path: string) => (await call<CreatedSubscription>('POST', '/api/zapier/subscribe', { event: 'task.created', target_url: receiver.url(path) })).body.id
  const [deleted, unsubscribed] = [await subscribe('/zap-deleted'), await subscribe('/zap-unsubscribed')]
  await call('DELETE', `/api/zapier/unsubscribe/${unsubscribed}`)
  await call('DELETE', `/api/webhooks/outbound/${deleted}`)
  const [request] = await receiver.requests('/zap-deleted')
  expect(request).toMatchObject({ method: 'DELETE', body: '' })
  // Zapier's own answer to that is to unsubscribe.
  expect((await call('DELETE', `/api/zapier/unsubscribe/${deleted}`)).status).toBe(204)
  await eventually(async () => {
    expect(await database.sql`select end_notice_at from cscx_zapier.outbound_webhooks where id = any(${[deleted, unsubscribed]})`).toEqual([{ end_notice_at: null }, { end_notice_at: null }])
  })
  expect(receiver.received.filter(({ path, method }) => path === '/zap-unsubscribed' || (path === '/zap-deleted' && method !== 'DELETE'))).toEqual([])
})
