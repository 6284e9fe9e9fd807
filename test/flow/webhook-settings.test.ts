import type { Page } from '../../shared/pagination.js'
import type { Problem } from '../../shared/problem.js'
import type { CreatedSubscription, CreatedWebhook, DeliveryView, WebhookView } from '../../shared/webhook.js'
import { eventually } from '../helpers/eventually.js'
import { createDatabase, type TestDatabase } from '../helpers/postgres.js'
import { Receiver } from '../helpers/receiver.js'
import { apiClient, apiKey, startTestServer, type TestServer } from '../helpers/server.js'

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

const HOOKS = '/api/webhooks/outbound'

let paths = 0
async function createWebhook (more: Record<string, unknown> = {}): Promise<{ id: string, path: string, webhook: CreatedWebhook }> {
  const path = `/hook-${++paths}`
  const { status, body } = await call<CreatedWebhook>('POST', HOOKS, { name: 'Test', url: receiver.url(path), events: ['task.created'], ...more })
  expect(status).toBe(201)
  return { id: body.id, path, webhook: body }
}

async function change (id: string, changes: Record<string, unknown>): Promise<WebhookView> {
  const { status, body } = await call<WebhookView>('PUT', `${HOOKS}/${id}`, changes)
  expect(status).toBe(200)
  return body
}

async function post (title: string): Promise<void> {
  expect((await call('POST', '/api/events', { event: 'task.created', data: { task_id: 't', title } })).status).toBe(202)
}

const statuses = async (id: string) => (await call<Page<DeliveryView>>('GET', `${HOOKS}/${id}/logs`)).body.data.map(({ status }) => status)

async function pointers (method: string, path: string, body: unknown): Promise<string[]> {
  const answer = await call<Problem>(method, path, body)
  expect(answer).toMatchObject({ status: 422, body: { code: 'validation_failed', status: 422 } })
  expect(answer.headers.get('content-type')).toMatch('application/problem+json')
  return answer.body.errors!.map(({ pointer }) => pointer).sort()
}

const CONDITION = { path: 'data.title', operator: 'contains', value: 'urgent' }

test('a webhook keeps the settings that it was given, and shows what it does without any', async () => {
  const settings = { filter: [CONDITION], ordered: true, rate_limit: { per_second: 0.3, burst: 5 }, signature_schemes: ['v1', 'v1a'] }
  const { id, webhook } = await createWebhook(settings)
  expect(webhook).toMatchObject(settings)
  expect((await call<WebhookView>('GET', `${HOOKS}/${id}`)).body).toMatchObject(settings)
  const { webhook: plain } = await createWebhook()
  expect(plain).toMatchObject({
    filter: null, ordered: false, rate_limit: null, signature_schemes: ['v1'], public_keys: [], active: true, disabled_reason: null, inactive_since: null, failing_since: null, throttled_until: null
  })
})

test('settings are changed one by one; those left out stay', async () => {
  const { id } = await createWebhook({ filter: [CONDITION], ordered: true, rate_limit: { per_second: 1_000 } })
  expect(await change(id, { rate_limit: { per_second: 33.33, burst: 10_000 } })).toMatchObject({ filter: [CONDITION], ordered: true, rate_limit: { per_second: 33.33, burst: 10_000 } })
  expect(await change(id, { rate_limit: { per_second: 5 } })).toMatchObject({ rate_limit: { per_second: 5, burst: null } })
  expect(await change(id, { ordered: false })).toMatchObject({ filter: [CONDITION], ordered: false, rate_limit: { per_second: 5, burst: null } })
  expect(await change(id, { rate_limit: null, filter: null })).toMatchObject({ filter: null, rate_limit: null })
})

test('a filter keeps back what it does not let through', async () => {
  const { id, path } = await createWebhook({ filter: [CONDITION] })
  await post('Routine')
  await post('Most urgent')
  expect((await receiver.requests(path)).map(({ envelope }) => envelope.data['title'])).toEqual(['Most urgent'])
  await eventually(async () => expect(await statuses(id)).toEqual(['delivered', 'filtered']))
  await change(id, { filter: null })
  await post('Routine again')
  expect((await receiver.requests(path, 2)).map(({ envelope }) => envelope.data['title'])).toEqual(['Most urgent', 'Routine again'])
})

describe('one answer names every wrong field', () => {
  const wrong = { name: '', url: 'http://10.0.0.1/', headers: { 'bad name': 'x', Host: 'x', 'Webhook-Id': '1', A: '••••••••' }, rate_limit: { per_second: 0.05, burst: 0 }, signature_schemes: ['v1a'], ordered: 'yes', extra: 1 }
  const named = ['/extra', '/headers/A', '/headers/Host', '/headers/Webhook-Id', '/headers/bad name', '/name', '/ordered', '/rate_limit/burst', '/rate_limit/per_second', '/signature_schemes', '/url']

  test('of a new webhook', async () => {
    expect(await pointers('POST', HOOKS, { ...wrong, events: ['task.created'], filter: [CONDITION, { path: 'data.nope', operator: 'exists' }] })).toEqual(['/extra', '/filter/1/path', ...named.slice(1)])
    expect(await pointers('POST', HOOKS, { ...wrong, events: ['nope'], filter: [{ path: 'data.title', operator: 'like' }] })).toEqual(['/events/0', '/extra', '/filter/0/operator', ...named.slice(1)])
  })

  test('of a change', async () => {
    const { id } = await createWebhook()
    const changes = { ...wrong, events: ['task.created'], filter: [{ path: 'data.nope', operator: 'exists' }], missed: 'deliver' }
    expect(await pointers('PUT', `${HOOKS}/${id}`, changes)).toEqual(['/extra', '/filter/0/path', '/headers/Host', '/headers/Webhook-Id', '/headers/bad name', '/missed', ...named.slice(5)])
  })

  test('of a subscription', async () => {
    expect(await pointers('POST', '/api/zapier/subscribe', { event: 'task.created', target_url: 'ftp://x/', filter: [{ path: 'data.nope', operator: 'exists' }], extra: 1 })).toEqual(['/extra', '/filter/0/path', '/target_url'])
  })

  test('with its stable code', async () => {
    const { body } = await call<Problem>('POST', HOOKS, { ...wrong, events: ['task.created'], filter: [{ path: 'data.nope', operator: 'exists' }] })
    const codes = Object.fromEntries(body.errors!.map(({ pointer, code }) => [pointer, code]))
    expect(codes).toMatchObject({ '/url': 'invalid_url', '/headers/Host': 'reserved_header', '/headers/A': 'invalid', '/filter/0/path': 'unknown_path', '/extra': 'unrecognized_keys' })
  })
})

test('event types and filter of a webhook go together, whichever of them changes', async () => {
  const { id } = await createWebhook({ filter: [CONDITION] })
  expect(await pointers('PUT', `${HOOKS}/${id}`, { events: ['health_score.changed'] })).toEqual(['/filter/0/path'])
  expect(await pointers('PUT', `${HOOKS}/${id}`, { filter: [{ path: 'data.change', operator: 'less_than', value: -10 }] })).toEqual(['/filter/0/path'])
  expect(await call<WebhookView>('GET', `${HOOKS}/${id}`)).toMatchObject({ body: { events: ['task.created'], filter: [CONDITION] } })
  const both = { events: ['health_score.changed'], filter: [{ path: 'data.change', operator: 'less_than', value: -10 }] }
  expect(await change(id, both)).toMatchObject(both)
  expect(await change(id, { events: ['task.created'], filter: null })).toMatchObject({ events: ['task.created'], filter: null })
})

describe('what a webhook missed while it was off', () => {
  /** A webhook that is off, with one delivery held. */
  async function missedOne (): Promise<{ id: string, path: string }> {
    const { id, path } = await createWebhook()
    expect((await change(id, { active: false })).inactive_since).not.toBeNull()
    await post('Missed')
    await eventually(async () => expect(await statuses(id)).toEqual(['held']))
    return { id, path }
  }

  test('is delivered when its owner, who had paused it, switches it on', async () => {
    const { id, path } = await missedOne()
    expect(await change(id, { active: true })).toMatchObject({ active: true, inactive_since: null })
    expect((await receiver.requests(path))[0]!.envelope.data).toMatchObject({ title: 'Missed' })
    await eventually(async () => expect(await statuses(id)).toEqual(['delivered']))
  })

  test('is kept when it was off because of its receiver, unless it is asked for', async () => {
    const { id, path } = await missedOne()
    await database.sql`update cscx_zapier.outbound_webhooks set disabled_reason = 'failing' where id = ${id}`
    expect(await change(id, { active: true })).toMatchObject({ active: true, disabled_reason: null })
    await post('New')
    expect((await receiver.requests(path))[0]!.envelope.data).toMatchObject({ title: 'New' })
    await eventually(async () => expect(await statuses(id)).toEqual(['delivered', 'held']))
    await change(id, { active: true, missed: 'deliver' })
    await eventually(async () => expect(await statuses(id)).toEqual(['delivered', 'delivered']))
  })

  test('is kept or discarded when that is asked for', async () => {
    const { id, path } = await missedOne()
    await change(id, { active: true, missed: 'keep' })
    expect(await statuses(id)).toEqual(['held'])
    await change(id, { active: true, missed: 'discard' })
    expect(await statuses(id)).toEqual(['discarded'])
    await post('New')
    expect((await receiver.requests(path)).map(({ envelope }) => envelope.data['title'])).toEqual(['New'])
  })

  test('also holds what was waiting when it was switched off', async () => {
    const { id, path } = await createWebhook({ rate_limit: { per_second: 0.1, burst: 1 } })
    await post('First')
    await receiver.requests(path)
    await post('Second')
    await eventually(async () => expect(await statuses(id)).toEqual(['pending', 'delivered']))
    await change(id, { active: false })
    await eventually(async () => expect(await statuses(id)).toEqual(['held', 'delivered']))
  })
})

test('what is wrong with a receiver is forgotten with its URL, or when the webhook is switched on', async () => {
  const { id } = await createWebhook()
  const ail = async () => await database.sql`update cscx_zapier.outbound_webhooks set failing_since = now() - interval '1 day', throttled_until = now() + interval '1 hour' where id = ${id}`
  const ailing = { failing_since: expect.any(String) as string, throttled_until: expect.any(String) as string }
  await ail()
  expect(await change(id, { name: 'Renamed' })).toMatchObject(ailing)
  expect(await change(id, { url: receiver.url(`/hook-${paths}`), active: true })).toMatchObject(ailing)
  expect(await change(id, { url: receiver.url('/elsewhere') })).toMatchObject({ failing_since: null, throttled_until: null })
  await ail()
  expect(await change(id, { active: false })).toMatchObject(ailing)
  expect(await change(id, { active: true })).toMatchObject({ failing_since: null, throttled_until: null })
  await database.sql`update cscx_zapier.outbound_webhooks set throttled_until = now() - interval '1 second' where id = ${id}`
  expect((await call<WebhookView>('GET', `${HOOKS}/${id}`)).body.throttled_until).toBeNull()
})

describe('a subscription takes the place of the one that', () => {
  type Call = typeof call
  const subscribe = async (client: Call, event: string, more: Record<string, unknown> = {}) => (await client<CreatedSubscription>('POST', '/api/zapier/subscribe', { event, target_url: receiver.url('/zap'), ...more })).body.id
  const end = async (client: Call, id: string) => expect((await client('DELETE', `/api/zapier/unsubscribe/${id}`)).status).toBe(204)
  const replacedBy = async (id: string) => (await database.sql`select replaces from cscx_zapier.outbound_webhooks where id = ${id}`)[0]!['replaces'] as string | null

  test('ended last, of the same event type, once', async () => {
    const [first, second, other] = [await subscribe(call, 'task.completed'), await subscribe(call, 'task.completed'), await subscribe(call, 'task.created')]
    expect(await replacedBy(first)).toBeNull()
    for (const id of [second, first, other]) await end(call, id)
    const newer = [await subscribe(call, 'task.completed'), await subscribe(call, 'task.completed'), await subscribe(call, 'task.completed')]
    expect(await Promise.all(newer.map(replacedBy))).toEqual([first, second, null])
  })

  test('ended in the last thirty days', async () => {
    const old = await subscribe(call, 'meeting.scheduled')
    await end(call, old)
    await database.sql`update cscx_zapier.outbound_webhooks set deleted_at = now() - interval '31 days' where id = ${old}`
    expect(await replacedBy(await subscribe(call, 'meeting.scheduled'))).toBeNull()
  })

  test('was the same user\'s of the same tenant', async () => {
    const old = await subscribe(call, 'meeting.completed')
    await end(call, old)
    const colleague = apiClient(server.url, await apiKey(database.url, 'demo'))
    const stranger = apiClient(server.url, await apiKey(database.url, 'northwind'))
    expect(await replacedBy(await subscribe(colleague, 'meeting.completed'))).toBeNull()
    expect(await replacedBy(await subscribe(stranger, 'meeting.completed'))).toBeNull()
    expect(await replacedBy(await subscribe(call, 'meeting.completed'))).toBe(old)
  })

  test('nobody else takes the place of, at the same time either', async () => {
    const old = await subscribe(call, 'renewal.at_risk')
    await end(call, old)
    const newer = await Promise.all(Array.from({ length: 5 }, async () => await subscribe(call, 'renewal.at_risk')))
    const replaced = await Promise.all(newer.map(replacedBy))
    expect(replaced.filter((id) => id !== null)).toEqual([old])
  })

  test('ended, with a filter of its own', async () => {
    const id = await subscribe(call, 'customer.created', { filter: [{ path: 'data.segment', operator: 'equals', value: 'Enterprise' }] })
    expect((await call<WebhookView>('GET', `${HOOKS}/${id}`)).body).toMatchObject({ kind: 'zapier', filter: [{ path: 'data.segment', operator: 'equals', value: 'Enterprise' }] })
  })
})
