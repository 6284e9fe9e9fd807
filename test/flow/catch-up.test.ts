import type { MissedView, RedeliverySummary, RedeliveryView } from '../../shared/redelivery.js'
import type { CreatedSubscription, WebhookView } from '../../shared/webhook.js'
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
async function createWebhook (more: Record<string, unknown> = {}): Promise<{ id: string, path: string }> {
  const path = `/hook-${++paths}`
  const { status, body } = await call<WebhookView>('POST', '/api/webhooks/outbound', { name: `Webhook ${paths}`, url: receiver.url(path), events: ['task.created'], ...more })
  expect(status).toBe(201)
  return { id: body.id, path }
}

async function subscribe (path: string, event: string): Promise<string> {
  const { status, body } = await call<CreatedSubscription>('POST', '/api/zapier/subscribe', { event, target_url: receiver.url(path) })
  expect(status).toBe(201)
  return body.id
}

const unsubscribe = async (id: string) => expect((await call('DELETE', `/api/zapier/unsubscribe/${id}`)).status).toBe(204)

async function post (event: string, titles: string[]): Promise<string[]> {
  const ids: string[] = []
  for (const title of titles) {
    const data = event.startsWith('task') ? { task_id: title, title } : { meeting_id: title, title }
    const { status, body } = await call('POST', '/api/events', { event, data })
    expect(status).toBe(202)
    ids.push(body['id'] as string)
  }
  return ids
}

const change = async (id: string, changes: Record<string, unknown>) => expect((await call('PUT', `/api/webhooks/outbound/${id}`, changes)).status).toBe(200)
const missed = async (id: string, query = '') => (await call<MissedView>('GET', `/api/webhooks/outbound/${id}/missed${query}`)).body

async function catchUp (id: string, body: Record<string, unknown> = {}): Promise<RedeliverySummary> {
  const { status, body: job } = await call<RedeliverySummary>('POST', `/api/webhooks/outbound/${id}/catch-up`, body)
  expect(status).toBe(202)
  return job
}

const progress = async (id: string) => (await call<RedeliveryView>('GET', `/api/redeliveries/${id}`)).body
const idsReceived = (path: string) => receiver.received.filter((request) => request.path === path).map(({ envelope }) => envelope.id)

async function received (path: string, ids: string[]): Promise<void> {
  await eventually(() => expect(idsReceived(path).sort()).toEqual([...ids].sort()))
}

async function statuses (webhookId: string): Promise<Record<string, number>> {
  const rows = await database.sql<Array<{ status: string, count: number }>>`select status, count(*)::int as count from cscx_zapier.webhook_deliveries where webhook_id = ${webhookId} group by 1`
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]))
}

test('what is held while a webhook is paused is counted, kept, and delivered when its owner wants it', async () => {
  const { id, path } = await createWebhook()
  await change(id, { active: false })
  const held = await post('task.created', ['a', 'b', 'c'])
  expect(await missed(id)).toMatchObject({ count: 3, held: 3, gone_by: 0, acknowledged: 0, events: [{ event: 'task.created', count: 3 }], is_whole: true, oldest: expect.any(String) })
  expect(await call('POST', `/api/webhooks/outbound/${id}/catch-up`, {})).toMatchObject({ status: 409, body: { code: 'conflict' } })
  await change(id, { active: true, missed: 'keep' })
  const [later] = await post('task.created', ['d'])
  await received(path, [later!])
  expect(await missed(id)).toMatchObject({ count: 3 })
  const job = await catchUp(id, { per_second: 100 })
  expect(job).toMatchObject({ kind: 'catch_up', webhook_id: id, total: 3 })
  await received(path, [...held, later!])
  await eventually(async () => expect(await progress(job.id)).toMatchObject({ status: 'done', released: 3, delivered: 3 }))
  expect(await missed(id)).toMatchObject({ count: 0, oldest: null, newest: null, events: [] })
})

test('switching a webhook on delivers, keeps or discards what it missed, as its owner says', async () => {
  const { id, path } = await createWebhook()
  await change(id, { active: false })
  await post('task.created', ['a', 'b'])
  await change(id, { active: true, missed: 'discard' })
  expect(await statuses(id)).toEqual({ discarded: 2 })
  await change(id, { active: false })
  const held = await post('task.created', ['c', 'd'])
  await change(id, { active: true, missed: 'deliver' })
  await received(path, held)
  expect(await statuses(id)).toMatchObject({ discarded: 2 })
})

test('catches up from a given time on, and what came before stays held', async () => {
  const { id, path } = await createWebhook()
  const at = Date.UTC(2026, 4, 1)
  await seedDeliveries(database.sql, { webhookId: id, count: 2, status: 'held', at })
  const wanted = await seedDeliveries(database.sql, { webhookId: id, count: 2, status: 'held', at: at + 60_000 })
  expect(await missed(id, '?from=2026-05-01T00:01:00Z')).toMatchObject({ count: 2 })
  expect(await missed(id, '?to=2026-05-01T00:01:00.001Z')).toMatchObject({ count: 3 })
  const job = await catchUp(id, { from: '2026-05-01T00:01:00Z', per_second: 100 })
  expect(job.total).toBe(2)
  await received(path, wanted.map(({ eventId }) => eventId))
  await eventually(async () => expect((await progress(job.id)).status).toBe('done'))
  expect(await statuses(id)).toEqual({ held: 2, delivered: 2 })
})

test('only one runs at a time: asking again changes its pace, and cancelling holds what was not tried', async () => {
  const { id, path } = await createWebhook({ rate_limit: { per_second: 0.1, burst: 1 } })
  await seedDeliveries(database.sql, { webhookId: id, count: 20, status: 'held' })
  const job = await catchUp(id, { per_second: 0.1 })
  expect(job.released).toBe(1)
  await receiver.requests(path)
  expect(await call('POST', `/api/webhooks/outbound/${id}/missed/discard`, { count: 100 })).toMatchObject({ status: 409, body: { code: 'conflict' } })
  expect(await catchUp(id, { per_second: 1000 })).toMatchObject({ id: job.id, per_second: 1000 })
  await database.sql`update cscx_zapier.redeliveries set next_step_at = now() where id = ${job.id}`
  await eventually(async () => expect(await progress(job.id)).toMatchObject({ released: 20 }))
  const { body } = await call<RedeliveryView>('POST', `/api/redeliveries/${job.id}/cancel`)
  expect(body).toMatchObject({ status: 'cancelled' })
  const after = await statuses(id)
  expect(after['held']).toBe(20 - body.released)
  expect(after['held']).toBeGreaterThanOrEqual(18)
  expect((await call('POST', `/api/webhooks/outbound/${id}/missed/discard`, { count: 5 })).status).toBe(409)
  expect(await statuses(id)).toEqual(after)
  expect((await call('POST', `/api/webhooks/outbound/${id}/missed/discard`, { count: 20 })).body).toEqual({ discarded: after['held'] })
})

test('an ordered webhook gets what it missed in the order of events, and before what happens now', async () => {
  const { id, path } = await createWebhook({ ordered: true })
  await change(id, { active: false })
  const held = await post('task.created', Array.from({ length: 30 }, (_, n) => `held ${n}`))
  await change(id, { active: true, missed: 'deliver' })
  const now = await post('task.created', Array.from({ length: 10 }, (_, n) => `now ${n}`))
  await eventually(() => expect(idsReceived(path)).toHaveLength(40))
  expect(idsReceived(path)).toEqual([...held, ...now])
})

test('what a fan-out holds that began before its webhook was switched on is delivered too', async () => {
  const { id, path } = await createWebhook()
  const job = await catchUp(id, { per_second: 1000 })
  expect(job.total).toBe(0)
  await database.sql`update cscx_zapier.redeliveries set created_at = now() + interval '1 hour' where id = ${job.id}`
  const late = await seedDeliveries(database.sql, { webhookId: id, count: 3, status: 'held' })
  await received(path, late.map(({ eventId }) => eventId))
  await database.sql`update cscx_zapier.redeliveries set created_at = now() - interval '1 hour' where id = ${job.id}`
  await eventually(async () => expect(await progress(job.id)).toMatchObject({ status: 'done', released: 3 }))
})

test('a catch-up ends when its webhook is paused again, and nothing is lost', async () => {
  const { id, path } = await createWebhook()
  await seedDeliveries(database.sql, { webhookId: id, count: 5, status: 'held' })
  const job = await catchUp(id, { per_second: 0.1 })
  await receiver.requests(path)
  await eventually(async () => expect((await progress(job.id)).delivered).toBe(1))
  await change(id, { active: false })
  await database.sql`update cscx_zapier.redeliveries set next_step_at = now() where id = ${job.id}`
  await eventually(async () => expect((await progress(job.id)).status).toBe('cancelled'))
  expect(await statuses(id)).toEqual({ delivered: 1, held: 4 })
})

describe('a Zapier subscription that takes the place of another', () => {
  test('is told of the events from between the two, delivers them when asked, and skips what was acknowledged', async () => {
    const first = await subscribe('/zap-1', 'meeting.completed')
    const acknowledged = await post('meeting.completed', ['seen'])
    await received('/zap-1', acknowledged)
    await eventually(async () => expect(await statuses(first)).toEqual({ delivered: 1 }))
    await unsubscribe(first)
    const gone = await post('meeting.completed', ['gone 1', 'gone 2', 'gone 3'])
    await post('task.created', ['of another type'])
    const second = await subscribe('/zap-2', 'meeting.completed')
    const own = await post('meeting.completed', ['own'])
    await received('/zap-2', own)
    expect(await missed(second)).toMatchObject({ count: 3, held: 0, gone_by: 3, acknowledged: 1, events: [{ event: 'meeting.completed', count: 3 }], is_whole: true })
    const job = await catchUp(second, { per_second: 1000 })
    await received('/zap-2', [...own, ...gone])
    await eventually(async () => expect(await progress(job.id)).toMatchObject({ status: 'done', total: 3, released: 3, delivered: 3 }))
    expect(await missed(second)).toMatchObject({ count: 0, acknowledged: 1 })
    expect(idsReceived('/zap-1')).toEqual(acknowledged)
    await unsubscribe(second)
  })

  test('gets what its predecessor could not deliver, over several in a row, and nothing twice', async () => {
    const first = await subscribe('/row-1', 'meeting.scheduled')
    receiver.answer((request, response) => response.writeHead(request.path === '/row-1' ? 500 : 200).end())
    const failed = await post('meeting.scheduled', ['failed'])
    await eventually(async () => expect(await statuses(first)).toEqual({ dead_letter: 1 }))
    await unsubscribe(first)
    const [gone] = await post('meeting.scheduled', ['gone'])
    const second = await subscribe('/row-2', 'meeting.scheduled')
    const own = await post('meeting.scheduled', ['own'])
    await received('/row-2', own)
    await eventually(async () => expect(await statuses(second)).toEqual({ delivered: 1 }))
    await unsubscribe(second)
    const [goneAgain] = await post('meeting.scheduled', ['gone again'])
    const third = await subscribe('/row-3', 'meeting.scheduled')
    expect(await missed(third)).toMatchObject({ count: 3, gone_by: 3, acknowledged: 1 })
    await catchUp(third, { per_second: 1000 })
    await received('/row-3', [...failed, gone!, goneAgain!])
    await unsubscribe(third)
  })

  test('does not get what its own filter leaves out, nor what was discarded', async () => {
    const first = await subscribe('/filter-1', 'task.completed')
    await unsubscribe(first)
    await post('task.completed', ['no', 'yes', 'no again'])
    const { body: { id: second } } = await call<CreatedSubscription>('POST', '/api/zapier/subscribe', {
      event: 'task.completed', target_url: receiver.url('/filter-2'), filter: [{ path: 'data.title', operator: 'equals', value: 'yes' }]
    })
    expect(await missed(second)).toMatchObject({ count: 1, gone_by: 1 })
    expect((await call('POST', `/api/webhooks/outbound/${second}/missed/discard`, { count: 0 })).status).toBe(409)
    expect(await statuses(second)).toEqual({})
    expect((await call('POST', `/api/webhooks/outbound/${second}/missed/discard`, { count: 1 })).body).toEqual({ discarded: 1 })
    expect(await missed(second)).toMatchObject({ count: 0 })
    await unsubscribe(second)
    const third = await subscribe('/filter-3', 'task.completed')
    expect(await missed(third)).toMatchObject({ gone_by: 2 })
  })

  test('fills in large gaps batch by batch', async () => {
    const first = await subscribe('/large-1', 'approval.requested')
    await unsubscribe(first)
    await database.sql`update cscx_zapier.outbound_webhooks set deleted_at = now() - interval '2 hours' where id = ${first}`
    const other = await createWebhook({ events: ['approval.requested'], active: false })
    const events = await seedDeliveries(database.sql, { webhookId: other.id, count: 4_500, status: 'filtered', event: 'approval.requested' })
    const second = await subscribe('/large-2', 'approval.requested')
    expect(await missed(second)).toMatchObject({ count: 4_500, gone_by: 4_500 })
    const job = await catchUp(second, { per_second: 0.1 })
    await eventually(async () => expect(await progress(job.id)).toMatchObject({ total: 4_500, released: 1 }))
    expect(await missed(second)).toMatchObject({ count: 4_499, held: 4_499, gone_by: 0 })
    await receiver.requests('/large-2')
    expect(idsReceived('/large-2')).toEqual([events[0]!.eventId])
    await call('POST', `/api/redeliveries/${job.id}/cancel`)
  })
})

test('what the webhooks of one tenant missed is none of the other\'s business', async () => {
  const { id } = await createWebhook({ active: false })
  await post('task.created', ['a'])
  const at = `/api/webhooks/outbound/${id}`
  const answers = [await theirs('GET', `${at}/missed`), await theirs('POST', `${at}/catch-up`, {}), await theirs('POST', `${at}/missed/discard`, { count: 10 })]
  expect(answers.map(({ status }) => status)).toEqual([404, 404, 404])
  expect(await statuses(id)).toEqual({ held: 1 })
})
