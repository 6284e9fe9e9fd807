import { disableWebhook, endWebhook } from '../../server/outbound/webhooks/end-webhook.js'
import { cancelLeftovers } from '../../server/outbound/webhooks/waiting-deliveries.js'
import type { DisabledReason } from '../../shared/webhook.js'
import { ORGANIZATION, OTHER_ORGANIZATION, WebhooksWorkbench } from './webhooks-workbench.js'

const HOUR_MS = 3_600_000

let bench: WebhooksWorkbench

beforeAll(async () => { bench = await WebhooksWorkbench.open() })
afterAll(async () => await bench.drop())
beforeEach(async () => await bench.clear())

const disable = async (id: string, reason: DisabledReason, lastError?: string) =>
  await bench.database.sql.begin(async (tx) => await disableWebhook(tx, ORGANIZATION, id, reason, lastError))

describe('a custom webhook whose receiver wants no more', () => {
  test('is switched off, and everything that waits for it is held, also what is under way', async () => {
    const id = await bench.webhook()
    await bench.delivery(id, { status: 'delivered' })
    await bench.delivery(id)
    await bench.delivery(id, { nextAttemptAt: 'infinity' })
    const underWay = await bench.delivery(id, { leasedBy: 7 })
    await bench.delivery(id, { status: 'dead_letter' })
    const other = await bench.webhook()
    await bench.delivery(other)
    expect(await disable(id, 'gone')).toBe(true)
    expect(await bench.stateOf(id)).toMatchObject({ active: false, disabled_reason: 'gone', deleted_at: null, secret: 'sealed', end_notice_at: null, inactive_since: expect.any(Date) })
    expect(await bench.statusesOf(id)).toEqual(['delivered', 'held', 'held', 'held', 'dead_letter'])
    expect(await bench.sql`select leased_by, next_attempt_at::text from cscx_zapier.webhook_deliveries where id = ${underWay}`).toEqual([{ leased_by: null, next_attempt_at: 'infinity' }])
    expect(await bench.statusesOf(other)).toEqual(['pending'])
  })

  test('raises webhook.disabled for the webhooks that selected it, but for itself', async () => {
    const id = await bench.webhook({ events: ['task.created', 'webhook.disabled'], failingMs: HOUR_MS })
    const listener = await bench.webhook({ events: ['webhook.disabled'] })
    const indifferent = await bench.webhook()
    const stranger = await bench.webhook({ events: ['webhook.disabled'], organization: OTHER_ORGANIZATION })
    await bench.delivery(id)
    await bench.delivery(id, { status: 'held' })
    await disable(id, 'disabled_by_receiver')
    expect(await bench.raised()).toEqual([{
      webhook_id: id,
      webhook_name: 'Warehouse',
      webhook_kind: 'custom',
      webhook_host: 'hooks.example.com:8443',
      webhook_events: ['task.created', 'webhook.disabled'],
      reason: 'disabled_by_receiver',
      explanation: expect.stringMatching(/asked to be sent no more.* kept until it is switched on again\.$/),
      failing_since: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      last_error: null,
      waiting_deliveries: 2,
      origin: 'cscx',
      origin_id: null
    }])
    expect(await bench.sql`select webhook_id, event_type, status from cscx_zapier.webhook_deliveries where event_type = 'webhook.disabled'`)
      .toEqual([{ webhook_id: listener, event_type: 'webhook.disabled', status: 'pending' }])
    expect(await bench.statusesOf(indifferent)).toEqual([])
    expect(await bench.statusesOf(stranger)).toEqual([])
  })

  test('is switched off once, whoever notices: later, or at the same time', async () => {
    const id = await bench.webhook()
    const results = await Promise.all([disable(id, 'gone'), disable(id, 'gone'), disable(id, 'disabled_by_receiver')])
    expect(results.filter(Boolean)).toHaveLength(1)
    expect(await disable(id, 'gone')).toBe(false)
    expect(await bench.raised()).toHaveLength(1)
  })

  test('that its owner has paused stays paused, and raises nothing', async () => {
    const id = await bench.webhook({ active: false })
    expect(await disable(id, 'gone')).toBe(false)
    expect(await bench.stateOf(id)).toMatchObject({ active: false, disabled_reason: null })
    expect(await bench.raised()).toEqual([])
  })

  test('is another tenant\'s business only', async () => {
    const id = await bench.webhook({ organization: OTHER_ORGANIZATION })
    await bench.delivery(id, { organization: OTHER_ORGANIZATION })
    expect(await disable(id, 'gone')).toBe(false)
    expect(await bench.database.sql.begin(async (tx) => await endWebhook(tx, ORGANIZATION, id, { tellReceiver: true }))).toBe(false)
    expect(await bench.stateOf(id)).toMatchObject({ active: true, deleted_at: null })
    expect(await bench.statusesOf(id)).toEqual(['pending'])
    expect(await bench.raised()).toEqual([])
  })
})

test('two workers that have each recorded an attempt of the same webhook do not wait for each other', async () => {
  const id = await bench.webhook()
  const [first, second] = [await bench.delivery(id), await bench.delivery(id)]
  let bothHold = () => {}
  const together = new Promise<void>((resolve) => { bothHold = resolve })
  let holding = 0
  // As record-attempts.ts does it: the attempt's own delivery first, the webhook after that.
  const record = async (deliveryId: string) => await bench.database.sql.begin(async (tx) => {
    await tx`update cscx_zapier.webhook_deliveries set status = 'cancelled' where id = ${deliveryId}`
    if (++holding === 2) bothHold()
    await together
    return await disableWebhook(tx, ORGANIZATION, id, 'gone')
  })
  expect((await Promise.all([record(first), record(second)])).sort()).toEqual([false, true])
  expect(await bench.raised()).toHaveLength(1)
})

describe('a Zapier subscription', () => {
  test.each<DisabledReason>(['gone', 'disabled_by_receiver'])('ends when its receiver says so (%s), and Zapier, who knows, is told nothing', async (reason) => {
    const id = await bench.webhook({ kind: 'zapier' })
    await bench.delivery(id)
    await bench.delivery(id, { status: 'held' })
    expect(await disable(id, reason)).toBe(true)
    expect(await bench.stateOf(id)).toMatchObject({ active: false, disabled_reason: reason, deleted_at: expect.any(Date), secret: '', headers: {}, ed25519_key: null, retired_keys: [], end_notice_at: null })
    expect(await bench.statusesOf(id)).toEqual(['cancelled', 'cancelled'])
    expect(await bench.raised()).toMatchObject([{ webhook_id: id, webhook_kind: 'zapier', reason, explanation: expect.stringMatching(/turned off and on again\.$/), waiting_deliveries: 2 }])
    expect(await disable(id, reason)).toBe(false)
    expect(await bench.raised()).toHaveLength(1)
  })

  test('ends when it has failed for days, and Zapier is to be told', async () => {
    const id = await bench.webhook({ kind: 'zapier' })
    expect(await disable(id, 'failing', 'timeout')).toBe(true)
    expect(await bench.stateOf(id)).toMatchObject({ disabled_reason: 'failing', deleted_at: expect.any(Date), end_notice_at: expect.any(Date), end_notice_attempts: 0 })
    expect(await bench.raised()).toMatchObject([{ reason: 'failing', last_error: 'timeout' }])
  })

  test('that is paused ends, too, when its receiver says so; but it was off already', async () => {
    const id = await bench.webhook({ kind: 'zapier', active: false })
    expect(await disable(id, 'gone')).toBe(false)
    expect(await bench.stateOf(id)).toMatchObject({ disabled_reason: 'gone', deleted_at: expect.any(Date) })
    expect(await bench.raised()).toEqual([])
  })
})

describe('a webhook with more waiting than one statement takes', () => {
  const many = async (id: string, status: string, count: number) => await bench.sql`
    insert into cscx_zapier.webhook_deliveries (id, organization_id, webhook_id, event_id, event_type, status, next_attempt_at)
    select gen_random_uuid(), ${ORGANIZATION}, ${id}, gen_random_uuid(), 'task.created', ${status}, 'infinity' from generate_series(1, ${count}::int)`
  const count = async (id: string) => Object.fromEntries((await bench.sql<Array<{ status: string, count: number }>>`
    select status, count(*)::int from cscx_zapier.webhook_deliveries where webhook_id = ${id} group by status`).map((row) => [row.status, row.count]))

  test('is switched off all the same, and counted as far as it goes', async () => {
    const id = await bench.webhook()
    await many(id, 'pending', 12_000)
    await disable(id, 'gone')
    expect(await count(id)).toEqual({ held: 5_000, pending: 7_000 })
    expect(await bench.raised()).toMatchObject([{ waiting_deliveries: 10_000 }])
  })

  test('when it ends, what was held is cancelled little by little; what is held for others stays', async () => {
    const id = await bench.webhook({ active: false })
    const paused = await bench.webhook({ active: false })
    await many(id, 'held', 12_000)
    await many(paused, 'held', 10)
    await bench.database.sql.begin(async (tx) => await endWebhook(tx, ORGANIZATION, id, { tellReceiver: true }))
    expect(await bench.stateOf(id)).toMatchObject({ end_notice_at: null })
    expect(await count(id)).toEqual({ cancelled: 5_000, held: 7_000 })
    expect([await cancelLeftovers(bench.database), await cancelLeftovers(bench.database), await cancelLeftovers(bench.database)]).toEqual([5_000, 2_000, 0])
    expect(await count(id)).toEqual({ cancelled: 12_000 })
    expect(await count(paused)).toEqual({ held: 10 })
  })
})
