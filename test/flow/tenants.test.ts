import { events } from '../../shared/catalogue/index.js'
import { Scope } from '../../shared/scopes.js'
import type { Page } from '../../shared/pagination.js'
import type { CreatedSubscription, WebhookView } from '../../shared/webhook.js'
import { createDatabase, type TestDatabase } from '../helpers/postgres.js'
import { Receiver } from '../helpers/receiver.js'
import { apiClient, apiKey, startTestServer, type TestServer } from '../helpers/server.js'

let database: TestDatabase
let server: TestServer
let receiver: Receiver
let ours: ReturnType<typeof apiClient>
let theirs: ReturnType<typeof apiClient>

beforeAll(async () => {
  database = await createDatabase()
  receiver = await Receiver.start()
  server = await startTestServer(database.url)
  ours = apiClient(server.url, await apiKey(database.url, 'demo'))
  theirs = apiClient(server.url, await apiKey(database.url, 'northwind'))
})

afterAll(async () => {
  await server.stop()
  await receiver.stop()
  await database.drop()
})

async function customerId (slug: string): Promise<string> {
  const [row] = await database.sql<[{ id: string }]>`select c.id from customers c join organizations o on o.id = c.organization_id where o.slug = ${slug} and c.name = 'Acme Corp'`
  return row.id
}

test('events of one tenant trigger nothing of the other', async () => {
  for (const [call, path] of [[ours, '/ours'], [theirs, '/theirs']] as const) {
    await call('POST', '/api/webhooks/outbound', { name: 'All', url: receiver.url(path), events: events.map((event) => event.name) })
  }
  await database.sql`update customers set health_score = 17 where id = ${await customerId('demo')}`
  await database.sql`update customers set tier = 'Changed' where id = ${await customerId('northwind')}`
  const [first] = await receiver.requests('/theirs')
  await receiver.requests('/ours', 2)
  expect(first!.envelope).toMatchObject({ event: 'customer.updated', data: { customer_id: await customerId('northwind') } })
  const seen = receiver.received.map(({ path, envelope }) => [path, envelope.data['customer_id']])
  expect(seen).not.toContainEqual(['/ours', await customerId('northwind')])
  expect(seen).not.toContainEqual(['/theirs', await customerId('demo')])
  await theirs('POST', '/api/events', { event: 'task.created', data: { task_id: 't', title: 'Posted by them' } })
  await receiver.requests('/theirs', 2)
  expect(receiver.received.filter(({ path, body }) => path === '/ours' && body.includes('Posted by them'))).toEqual([])
})

test('webhooks of one tenant do not exist for the other, on any route', async () => {
  const { body: webhook } = await ours<WebhookView>('POST', '/api/webhooks/outbound', { name: 'Ours', url: receiver.url('/secret'), events: ['task.created'] })
  const at = `/api/webhooks/outbound/${webhook.id}`
  const answers = [
    await theirs('GET', at), await theirs('PUT', at, { name: 'Theirs' }), await theirs('POST', `${at}/test`, {}),
    await theirs('GET', `${at}/logs`), await theirs('DELETE', at)
  ]
  expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404])
  const list = (await theirs<Page<WebhookView>>('GET', '/api/webhooks/outbound?limit=100')).body.data
  expect(list.map(({ id }) => id)).not.toContain(webhook.id)
  expect((await ours('GET', at)).body).toMatchObject({ name: 'Ours' })
  const { body: subscription } = await ours<CreatedSubscription>('POST', '/api/zapier/subscribe', { event: 'task.created', target_url: receiver.url('/zap') })
  expect((await theirs('DELETE', `/api/zapier/unsubscribe/${subscription.id}`)).status).toBe(404)
  expect((await ours('GET', `/api/webhooks/outbound/${subscription.id}`)).status).toBe(200)
})

test('customers of one tenant cannot be named or written by the other', async () => {
  const id = await customerId('demo')
  const answers = [
    await theirs('PUT', `/api/zapier/customers/${id}`, { name: 'Taken over' }),
    await theirs('POST', '/api/zapier/tasks', { customer_id: id, title: 'x' }),
    await theirs('POST', '/api/zapier/stakeholders', { customer_id: id, name: 'x' }),
    await theirs('POST', '/api/zapier/activities', { customer_id: id, activity_type: 'call', description: 'x' }),
    await theirs('POST', '/api/zapier/signals', { customer_id: id, signal_type: 'usage_drop' }),
    await theirs('POST', '/api/zapier/health-scores', { customer_id: id, component: 'overall', score: 1 })
  ]
  expect(answers.map(({ status }) => status)).toEqual([404, 422, 422, 422, 422, 422])
  expect(answers.slice(1).map(({ body }) => body['code'])).toEqual(Array(5).fill('customer_not_found'))
  const ids = answers.flatMap(({ body }) => (body['candidates'] as Array<{ customer_id: string }> | undefined ?? []).map(({ customer_id: candidate }) => candidate))
  expect(ids).not.toContain(id)
  const { body: task } = await theirs('POST', '/api/zapier/tasks', { customer_name: 'Acme Corp', title: 'For our own Acme' })
  expect(task['customer_id']).toBe(await customerId('northwind'))
})

test('samples show a tenant its own events only', async () => {
  for (const [call, slug] of [[ours, 'demo'], [theirs, 'northwind']] as const) {
    await call('POST', '/api/events', { event: 'meeting.completed', data: { meeting_id: 'm', title: `Meeting of ${slug}` } })
  }
  for (const [call, slug] of [[ours, 'demo'], [theirs, 'northwind']] as const) {
    const { body } = await call<Page<{ data: unknown }>>('GET', '/api/zapier/triggers/meeting.completed/samples?limit=10')
    expect(body.data.map(({ data }) => data)).toMatchObject([{ title: `Meeting of ${slug}` }])
  }
})

test('an Idempotency-Key of one tenant is none of the other\'s', async () => {
  const post = async (call: typeof ours) => (await call('POST', '/api/events', { event: 'task.created', data: { task_id: 't', title: 'Same' } }, { 'idempotency-key': 'shared' })).body['id']
  expect(await post(ours)).not.toBe(await post(theirs))
})

describe('every route wants a credential', () => {
  interface Operation { security?: unknown[] }
  let operations: Array<[method: string, path: string]>

  beforeAll(async () => {
    const document = await (await fetch(`${server.url}/openapi.json`)).json() as { paths: Record<string, Record<string, Operation>> }
    operations = Object.entries(document.paths).flatMap(([path, methods]) => Object.entries(methods)
      // Public ones say so: OpenAPI's empty list.
      .filter(([, { security }]) => security?.length !== 0)
      .map(([method]): [string, string] => [method.toUpperCase(), path]))
  })

  async function statuses (key: string | undefined): Promise<Map<string, number>> {
    const found = new Map<string, number>()
    for (const [method, path] of operations) {
      const url = server.url + path.replaceAll(/\{\w+\}/g, '019c0932-1a80-7000-8000-5a9f1e6d2c31')
      const response = await fetch(url, { method, headers: key === undefined ? {} : { authorization: `Bearer ${key}` } })
      found.set(`${method} ${path}`, response.status)
    }
    return found
  }

  test('none is refused', async () => {
    const found = await statuses(undefined)
    expect(found.size).toBeGreaterThanOrEqual(20)
    expect([...found].filter(([, status]) => status !== 401)).toEqual([])
  })

  test('a key that is wrong, malformed or revoked is refused', async () => {
    const key = await apiKey(database.url, 'demo')
    expect((await apiClient(server.url, key)('GET', '/api/me')).body).toMatchObject({ organization_name: 'Demo Company', scopes: [...Scope.options] })
    await database.sql`update cscx_zapier.api_keys set revoked_at = now() where id = ${key.slice(10, 22)}`
    for (const bad of [key, 'cscx_live_nonsense', `${key.slice(0, -1)}x`]) {
      const { status, headers } = await apiClient(server.url, bad)('GET', '/api/me')
      expect(status).toBe(401)
      expect(headers.get('www-authenticate')).toContain('invalid_token')
    }
  })

  test('a key without the scope is refused, where a scope is asked for', async () => {
    const found = await statuses(await apiKey(database.url, 'demo', []))
    const open = [...found].filter(([, status]) => status !== 403).map(([operation]) => operation)
    expect(open.sort()).toEqual(['GET /api/me', 'GET /api/zapier/actions', 'GET /api/zapier/triggers'])
  })
})
