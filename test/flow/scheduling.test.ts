import type { CreatedWebhook, DeliveryView } from '../../shared/webhook.js'
import type { Page } from '../../shared/pagination.js'
import type { z } from 'zod'
import { CAP_START } from '../../server/outbound/engine/lane.js'
import { eventually } from '../helpers/eventually.js'
import { createDatabase, type TestDatabase } from '../helpers/postgres.js'
import { Receiver } from '../helpers/receiver.js'
import { apiClient, apiKey, startTestServer, type TestServer } from '../helpers/server.js'

/** Who is served when: nobody waits for a neighbour, and nobody gets more than it asked for. */
let database: TestDatabase
let servers: TestServer[]
let receiver: Receiver
let call: ReturnType<typeof apiClient>

beforeEach(async () => {
  database = await createDatabase()
  receiver = await Receiver.start()
  servers = [await start()]
  call = apiClient(servers[0]!.url, await apiKey(database.url, 'demo'))
})

afterEach(async () => {
  receiver.answer(200)
  await receiver.stop()
  await Promise.all(servers.map(async (server) => await server.stop()))
  await database.drop()
})

const start = async () => await startTestServer(database.url, { ENCRYPTION_KEY: 'one key for all processes of this test' })

type Created = z.infer<typeof CreatedWebhook>

async function webhook (path: string, more: Record<string, unknown> = {}): Promise<Created> {
  const { status, body } = await call<Created>('POST', '/api/webhooks/outbound', { name: path, url: receiver.url(path), events: ['task.created'], ...more })
  expect(status).toBe(201)
  return body
}

const post = async (title: string) => {
  const { status, body } = await call('POST', '/api/events', { event: 'task.created', data: { task_id: 't', title } })
  expect(status).toBe(202)
  return String(body['id'])
}

const postMany = async (count: number) => await Promise.all(Array.from({ length: count }, async (_, i) => await post(`Task ${i}`)))

const titles = (path: string) => receiver.received.filter((request) => request.path === path).map(({ envelope }) => envelope.data['title'])

const statuses = async (id: string) => (await database.sql<Array<{ status: string, count: number }>>`
  select status, count(*)::int as count from cscx_zapier.webhook_deliveries where webhook_id = ${id} group by 1 order by 1`).map((row) => [row.status, row.count])

test('one receiver that hangs holds few places, and the others get all of theirs', async () => {
  await webhook('/hung')
  const well = await webhook('/well')
  let open = 0
  let most = 0
  receiver.answer((request, response) => {
    if (request.path === '/well') return response.writeHead(200).end()
    most = Math.max(most, ++open)
    return response.on('close', () => { open-- })
  })
  for (let i = 0; i < 4; i++) await postMany(200)
  await eventually(async () => expect(await statuses(well.id)).toEqual([['delivered', 800]]))
  expect(most).toBeGreaterThan(0)
  // What two fan-outs at once may take before either knows of the other.
  expect(most).toBeLessThanOrEqual(CAP_START * 2)
})

test('a rate limit holds over all processes together, and nothing is lost to it', async () => {
  servers.push(await start())
  const perSecond = 40
  const burst = 10
  const limited = await webhook('/limited', { rate_limit: { per_second: perSecond, burst } })
  await postMany(100)
  await eventually(async () => expect(await statuses(limited.id)).toEqual([['delivered', 100]]))
  const started = (await database.sql<Array<{ at: number }>>`
    select extract(epoch from a.started_at)::float8 as at from cscx_zapier.delivery_attempts a
    join cscx_zapier.webhook_deliveries d on d.id = a.delivery_id where d.webhook_id = ${limited.id} order by 1`).map(({ at }) => at)
  // In any stretch of time no more than what the bucket holds and what runs into it meanwhile; each process may round up.
  const tooMany = started.flatMap((from, i) => started.slice(i).map((to, j) => ({ count: j + 1, seconds: to - from })))
    .filter(({ count, seconds }) => count > burst + perSecond * seconds + servers.length)
  expect(tooMany).toEqual([])
})

test('an ordered webhook gets event after event, however many processes deliver and however often one fails', async () => {
  servers.push(await start())
  const ordered = await webhook('/ordered', { ordered: true })
  const failures = new Map<unknown, number>([['Task 0', 2], ['Task 7', 1], ['Task 8', 9]])
  const delivered: unknown[] = []
  receiver.answer((request, response) => {
    const { title } = request.envelope.data
    const left = failures.get(title) ?? 0
    failures.set(title, left - 1)
    if (left <= 0) delivered.push(title)
    response.writeHead(left > 0 ? 500 : 200).end()
  })
  const expected = []
  for (let i = 0; i < 20; i++) {
    await post(`Task ${i}`)
    // Task 8 fails more often than the schedule allows: a dead letter, after which the next one goes.
    if (i !== 8) expected.push(`Task ${i}`)
  }
  await eventually(async () => expect(await statuses(ordered.id)).toEqual([['dead_letter', 1], ['delivered', 19]]))
  expect(delivered).toEqual(expected)
  const firstTries = [...new Set(titles('/ordered'))]
  expect(firstTries).toEqual(Array.from({ length: 20 }, (_, i) => `Task ${i}`))
})

test('a Retry-After is for the whole webhook, and for no other one', async () => {
  const busy = await webhook('/busy')
  await webhook('/well')
  receiver.answer((request, response) => request.path === '/busy' ? response.writeHead(429, { 'retry-after': '3600' }).end() : response.writeHead(200).end())
  await post('First')
  await receiver.requests('/busy', 1)
  await eventually(async () => expect((await call<{ throttled_until: string }>('GET', `/api/webhooks/outbound/${busy.id}`)).body.throttled_until).not.toBeNull())
  await postMany(30)
  await receiver.requests('/well', 31)
  expect(titles('/busy')).toEqual(['First'])
  const { data } = (await call<Page<DeliveryView>>('GET', `/api/webhooks/outbound/${busy.id}/logs?limit=100`)).body
  expect(data).toHaveLength(31)
  // Never before the receiver said: each is due when it is over, or waits behind those.
  const over = data.flatMap(({ next_attempt_at: at }) => at === null ? [] : [Date.parse(at)])
  expect(Math.min(...over)).toBeGreaterThan(Date.now() + 3_500_000)

  // Its owner knows better: switching it on again lets it go at once.
  receiver.answer(200)
  await call('PUT', `/api/webhooks/outbound/${busy.id}`, { active: false })
  await call('PUT', `/api/webhooks/outbound/${busy.id}`, { active: true })
  await post('Last')
  await eventually(() => expect(titles('/busy')).toContain('Last'))
})

test('what queues behind a webhook in the name of a process that is gone is found and delivered', async () => {
  const { id } = await webhook('/found', { active: false })
  await postMany(50)
  await eventually(async () => expect(await statuses(id)).toEqual([['held', 50]]))
  await database.sql`update cscx_zapier.outbound_webhooks set active = true where id = ${id}`
  await database.sql`update cscx_zapier.webhook_deliveries set status = 'pending', next_attempt_at = 'infinity' where webhook_id = ${id}`
  await eventually(async () => expect(await statuses(id)).toEqual([['delivered', 50]]))
  expect(receiver.received).toHaveLength(50)
})
