import type { WebhookTriggerPerform } from 'zapier-platform-core'
import type { Envelope } from '../../shared/envelope.js'
import { actions, events, type EventDefinition } from '../../shared/catalogue/index.js'
import type { WebhookView } from '../../shared/webhook.js'
import { app } from '../../zapier-app/src/index.js'
import { createDatabase, type TestDatabase } from '../helpers/postgres.js'
import { Receiver, type ReceivedRequest } from '../helpers/receiver.js'
import { apiClient, apiKey, startTestServer, type TestServer } from '../helpers/server.js'
import { appTester, hookOf } from './app.js'

/*
 * The Zapier app, run by zapier-platform-core, against the real server over HTTP. The receiver plays Zapier's hook URL,
 * and hands on what arrives as Zapier does: header names in Camel-Case with the prefix Http-.
 */
let database: TestDatabase
let server: TestServer
let receiver: Receiver
let authData: { access_token: string }
let call: ReturnType<typeof apiClient>
const before = process.env['CSCX_API_URL']

beforeAll(async () => {
  database = await createDatabase()
  receiver = await Receiver.start()
  server = await startTestServer(database.url)
  authData = { access_token: await apiKey(database.url, 'demo') }
  call = apiClient(server.url, authData.access_token)
  process.env['CSCX_API_URL'] = server.url
})

afterAll(async () => {
  if (before === undefined) delete process.env['CSCX_API_URL']
  else process.env['CSCX_API_URL'] = before
  await server.stop()
  await receiver.stop()
  await database.drop()
})

function asZapierHandsIt ({ body, headers }: ReceivedRequest) {
  const camel = (name: string) => name.replaceAll(/(^|-)(\w)/g, (_match, dash: string, letter: string) => dash + letter.toUpperCase())
  return {
    cleanedRequest: JSON.parse(body) as Envelope,
    rawRequest: {
      method: 'POST' as const,
      querystring: '',
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [`Http-${camel(name)}`, String(value)])),
      content: body
    }
  }
}

test('the connection test tells who is connected', async () => {
  const label = await appTester(app.authentication!.test as never, { authData })
  expect(label).toMatchObject({ organization_name: 'Demo Company' })
})

/** Makes an event of a type occur: posted, or, where nobody may post it, by what it tells of. @returns what its data must hold. */
async function raise ({ name, sample }: EventDefinition): Promise<Record<string, unknown>> {
  if (name === 'webhook.disabled') {
    const webhook = await call<WebhookView>('POST', '/api/webhooks/outbound', { name: 'Gone', url: receiver.url('/gone'), events: ['task.created'] })
    receiver.answer(({ path }, response) => response.writeHead(path === '/gone' ? 410 : 200).end())
    expect((await call('POST', '/api/events', { event: 'task.created', data: { task_id: '1', title: 'Nobody hears of it' } })).status).toBe(202)
    return { webhook_id: webhook.body.id, webhook_name: 'Gone', webhook_events: ['task.created'], reason: 'gone' }
  }
  const { origin: _origin, origin_id: _id, ...data } = sample.data
  expect((await call('POST', '/api/events', { event: name, data })).status).toBe(202)
  return data
}

describe.each(events.map((event) => [event.name, event] as const))('trigger %s', (name, event) => {
  test('subscribes, receives, lists and unsubscribes', async () => {
    const { performSubscribe, perform, performList, performUnsubscribe } = hookOf(name)
    const path = `/zapier/${event.key}`
    const subscribeData = await appTester(performSubscribe, { authData, targetUrl: receiver.url(path) }) as { id: string, secret: string }
    expect(subscribeData).toMatchObject({ id: expect.any(String), secret: expect.stringMatching(/^whsec_/) })

    const data = await raise(event)
    const [request] = await receiver.requests(path)
    const items = await appTester(perform as WebhookTriggerPerform, { authData, subscribeData, ...asZapierHandsIt(request!) }) as unknown as Envelope[]
    expect(items).toEqual([request!.envelope])
    expect(items[0]!.data).toMatchObject(data)

    const listed = await appTester(performList, { authData }) as Envelope[]
    expect(listed[0]!.id).toBe(items[0]!.id)
    expect(listed[0]!.data).toEqual(items[0]!.data)
    expect(Object.keys(listed[0]!)).toEqual(Object.keys(items[0]!))
    expect(Object.keys(event.sample)).toEqual(Object.keys(items[0]!))
    expect(Object.keys(event.sample.data)).toEqual(Object.keys(items[0]!.data))

    await appTester(performUnsubscribe, { authData, subscribeData })
    await appTester(performUnsubscribe, { authData, subscribeData })
    expect((await call('GET', `/api/webhooks/outbound/${subscribeData.id}`)).status).toBe(404)
  })
})

/** The table and id column in which an action's record must stand afterwards. */
const TABLES: Record<string, string> = {
  create_customer: 'customers',
  update_customer: 'customers',
  add_stakeholder: 'stakeholders',
  log_activity: 'customer_activities',
  create_task: 'tasks',
  create_risk_signal: 'risk_signals',
  update_health_score: 'health_scores'
}

/** What the row must hold, of the samples that were sent. */
const STORED: Record<string, Record<string, unknown>> = {
  create_customer: { name: 'Made by Zapier', arr: 120000 },
  update_customer: { name: 'Acme Corp', tier: 'Gold', stage: 'Adoption' },
  add_stakeholder: { name: 'Sarah Johnson', role: 'Champion', is_champion: true },
  log_activity: { description: 'Customer called about billing issue', type: 'call' },
  create_task: { title: 'Call the new champion', priority: 'high' },
  create_risk_signal: { signal_type: 'champion_left', severity: 'high' },
  update_health_score: { engagement: 45 }
}

test.each(actions.map((action) => [action.name, action] as const))('create %s writes a row', async (name, action) => {
  const [customer] = await database.sql<[{ id: string }]>`select c.id from customers c join organizations o on o.id = c.organization_id where o.slug = 'demo' and c.name = 'Acme Corp'`
  const [user] = await database.sql<[{ email: string }]>`select u.email from user_profiles u join org_members m on m.user_id = u.id join organizations o on o.id = m.organization_id where o.slug = 'demo' and m.status = 'active' limit 1`
  const inputData: Record<string, unknown> = { ...action.sample.input }
  if (name === 'create_customer') Object.assign(inputData, { name: 'Made by Zapier', domain: 'made-by-zapier.com', external_id: 'Z-1' })
  else Object.assign(inputData, { customer_name: undefined, customer_id: customer.id })
  if ('assignee_email' in inputData) inputData['assignee_email'] = user.email
  const perform = app.creates[name]!.operation.perform as never
  const count = async () => (await database.sql`select 1 from ${database.sql(TABLES[name]!)}`).length
  const before = await count()
  const record = await appTester(perform, { authData, inputData }) as { id: string }
  const [row] = await database.sql`select to_jsonb(t) as row from ${database.sql(TABLES[name]!)} t where id = ${record.id}`
  expect(row!['row']).toMatchObject(STORED[name]!)
  expect(await count()).toBe(before + (name === 'update_customer' ? 0 : 1))
  expect(Object.keys(record)).toEqual(Object.keys(action.sample.output))
})

test('what a Zap writes raises its events, and they say where they come from', async () => {
  const subscribeData = await appTester(hookOf('task.created').performSubscribe, { authData, targetUrl: receiver.url('/echo') }) as { id: string, secret: string }
  await appTester(app.creates['create_task']!.operation.perform as never, { authData, inputData: { customer_name: 'Acme Corp', title: 'Written by a Zap' } })
  const [request] = await receiver.requests('/echo')
  const [item] = await appTester(hookOf('task.created').perform as never, { authData, subscribeData, ...asZapierHandsIt(request!) }) as unknown as Envelope[]
  expect(item!.data).toMatchObject({ title: 'Written by a Zap', origin: 'zapier', origin_id: authData.access_token.slice(10, 22) })
})

test('a refused input halts the Zap with the field\'s message', async () => {
  const perform = app.creates['create_task']!.operation.perform as never
  await expect(appTester(perform, { authData, inputData: { customer_name: 'Acme Corp', title: 'x', priority: 'immediately' } })).rejects.toThrow(/priority/i)
  await expect(appTester(perform, { authData, inputData: { customer_name: 'Initech', title: 'x' } })).rejects.toThrow(/Initech/)
})
