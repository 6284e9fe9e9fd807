import { randomUUID } from 'node:crypto'
import { disableFailing } from '../../server/outbound/webhooks/disable-failing.js'
import { ORGANIZATION, WebhooksWorkbench } from './webhooks-workbench.js'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

let bench: WebhooksWorkbench

beforeAll(async () => { bench = await WebhooksWorkbench.open() })
afterAll(async () => await bench.drop())
beforeEach(async () => await bench.clear())

/** An id as those of events and deliveries are: it begins with a time. */
const idAt = (ms: number) => `${Math.floor(ms).toString(16).padStart(12, '0').replace(/^(.{8})(.{4})$/, '$1-$2')}-7${randomUUID().slice(15)}`

/** Failed attempts, by how many hours ago they were; each list is one delivery. */
async function failures (webhookId: string, deliveries: number[][], { error = 'http_500', status = 500 as number | null, counts = true } = {}): Promise<void> {
  for (const hours of deliveries) {
    const times = hours.map((ago) => Date.now() - ago * HOUR_MS)
    const id = idAt(Math.min(...times))
    await bench.sql`
      insert into cscx_zapier.webhook_deliveries (id, organization_id, webhook_id, event_id, event_type, next_attempt_at, attempts, retry_count, last_error)
      values (${id}, ${ORGANIZATION}, ${webhookId}, ${id}, 'task.created', now() + interval '1 hour', ${hours.length}, ${counts ? hours.length : 0}, ${error})`
    for (const [index, time] of times.entries()) {
      await bench.sql`
        insert into cscx_zapier.delivery_attempts (delivery_id, organization_id, number, started_at, duration_ms, response_status, error)
        values (${id}, ${ORGANIZATION}, ${index + 1}, ${new Date(time)}, 5, ${status}, ${error})`
    }
  }
}

/** A delivery on the default schedule, begun so many hours ago, as far as it has come. */
const onSchedule = (beganHoursAgo: number) => [0, 0.001, 0.08, 0.58, 2.6, 7.6, 17.6, 31.6, 51.6, 75.6].map((after) => beganHoursAgo - after).filter((ago) => ago > 0)

test('a webhook that fails for five days, however often it is tried, is switched off once; its owner reads since when and why', async () => {
  const id = await bench.webhook({ failingMs: 5.1 * DAY_MS })
  await failures(id, [onSchedule(122), onSchedule(90), onSchedule(40), onSchedule(20)])
  await failures(id, [[0.5]], { error: 'timeout', status: null })
  expect((await Promise.all([disableFailing(bench.database), disableFailing(bench.database)])).reduce((sum, each) => sum + each)).toBe(1)
  expect(await disableFailing(bench.database)).toBe(0)
  expect(await bench.stateOf(id)).toMatchObject({ active: false, disabled_reason: 'failing', failing_since: expect.any(Date) })
  expect(await bench.raised()).toMatchObject([{ webhook_id: id, reason: 'failing', explanation: expect.stringMatching(/failed for 5 days/), last_error: 'timeout', waiting_deliveries: 5 }])
  expect(new Set(await bench.statusesOf(id))).toEqual(new Set(['held']))
})

test('a webhook that fails for five days is switched off however busy it is: only some of its deliveries are looked at', async () => {
  const id = await bench.webhook({ failingMs: 6 * DAY_MS })
  await bench.sql`
    with d as (
      insert into cscx_zapier.webhook_deliveries (id, organization_id, webhook_id, event_id, event_type, status, attempts, retry_count, last_error)
      select (lpad(to_hex((extract(epoch from now() - n * interval '2 minutes') * 1000)::bigint), 12, '0') || substr(md5(n::text), 1, 20))::uuid, ${ORGANIZATION}, ${id}, gen_random_uuid(), 'task.created', 'dead_letter', 1, 1, 'http_503'
      from generate_series(1, 3500) n returning id, organization_id
    )
    insert into cscx_zapier.delivery_attempts (delivery_id, organization_id, number, started_at, duration_ms, error)
    select id, organization_id, 1, now() - (row_number() over (order by id desc)) * interval '2 minutes', 1, 'http_503' from d`
  expect(await disableFailing(bench.database)).toBe(1)
})

test.each<[name: string, failingMs: number | undefined, deliveries: number[][], options: Parameters<typeof failures>[2]]>([
  ['for less than five days', 4.9 * DAY_MS, [onSchedule(117), onSchedule(40), onSchedule(20)], {}],
  ['but had a success meanwhile', undefined, [onSchedule(110), onSchedule(40), onSchedule(20)], {}],
  ['once, and nothing since', 5.1 * DAY_MS, [[119]], {}],
  ['for two events, and was sent nothing since their retries ran out', 5.1 * DAY_MS, [onSchedule(122), onSchedule(119)], {}],
  ['long ago, and again just now: an outage of a few hours', 20 * DAY_MS, [onSchedule(480), onSchedule(4), onSchedule(3)], {}],
  ['long ago, and just now for the first time since', 20 * DAY_MS, [onSchedule(480), [0.1]], {}],
  ['but was tried a few times only', 6 * DAY_MS, [[110], [80], [30], [1]], {}],
  ['by saying 429 only', 6 * DAY_MS, [onSchedule(110), onSchedule(40), onSchedule(20)], { error: 'http_429', status: 429, counts: false }],
  ['by saying 429 to what had failed otherwise before', 6 * DAY_MS, [onSchedule(110), onSchedule(40), onSchedule(20)], { error: 'http_429', status: 429 }],
  ['because we cannot read its secret', 6 * DAY_MS, [onSchedule(110), onSchedule(40), onSchedule(20)], { error: 'secret_unreadable', status: null }]
])('a webhook that fails %s stays on', async (_name, failingMs, deliveries, options) => {
  const id = await bench.webhook(failingMs === undefined ? {} : { failingMs })
  await failures(id, deliveries, options)
  expect(await disableFailing(bench.database)).toBe(0)
  expect(await bench.stateOf(id)).toMatchObject({ active: true, disabled_reason: null })
  expect(await bench.raised()).toEqual([])
})

test('a webhook that fails with one event a week, each of which goes through all retries in vain, is switched off in the second', async () => {
  const id = await bench.webhook({ failingMs: 7.8 * DAY_MS })
  await failures(id, [onSchedule(7.8 * 24), onSchedule(18)])
  expect(await disableFailing(bench.database)).toBe(1)
})

test('a webhook that fails is left to whoever is at it already', async () => {
  const id = await bench.webhook({ failingMs: 6 * DAY_MS })
  await failures(id, [onSchedule(110), onSchedule(40), onSchedule(20)])
  await bench.sql.begin(async (tx) => {
    await tx`update cscx_zapier.outbound_webhooks set failing_since = null where id = ${id}`
    expect(await disableFailing(bench.database)).toBe(0)
  })
  expect(await disableFailing(bench.database)).toBe(0)
  expect(await bench.stateOf(id)).toMatchObject({ active: true })
})

test('a webhook that fails is one of many: each round takes some, oldest first, and none is in another\'s way', async () => {
  const young = await bench.webhook({ failingMs: 5.5 * DAY_MS })
  const ids = [young]
  for (let n = 0; n < 51; n++) ids.push(await bench.webhook({ failingMs: (6 + n) * DAY_MS }))
  const quiet = await bench.webhook({ failingMs: 100 * DAY_MS })
  for (const id of ids) await failures(id, [[100, 80, 60, 40, 20]])
  expect(await disableFailing(bench.database)).toBe(50)
  expect(await bench.stateOf(young)).toMatchObject({ active: true })
  expect(await disableFailing(bench.database)).toBe(2)
  expect(await disableFailing(bench.database)).toBe(0)
  expect(await bench.stateOf(quiet)).toMatchObject({ active: true })
  expect(await bench.raised()).toHaveLength(52)
})
