import type { ServerResponse } from 'node:http'
import type { ExplainedEvent, WebhookDecision } from '../../shared/event-history.js'
import type { Page } from '../../shared/pagination.js'
import type { CreatedSubscription } from '../../shared/webhook.js'
import { HistoryWorkbench, ISO } from './history-workbench.js'

let bench: HistoryWorkbench

beforeAll(async () => { bench = await HistoryWorkbench.start() })
afterAll(async () => await bench.stop())

/** What a receiver says that wants to be tried in an hour. */
const HOUR = { 'retry-after': '3600' }

describe('why a webhook did or did not fire', () => {
  test('delivered: when, how fast, and what was answered', async () => {
    const webhook = await bench.webhookFor('task.created', 202)
    const event = await bench.post('task.created', { title: 'x' })
    const found = await bench.decision(event, webhook.id, 'delivered')
    expect(found).toMatchObject({ webhook: { id: webhook.id, name: webhook.name, kind: 'custom' }, facts: { attempts: 1, response_status: 202, last_error: null } })
    const { delivered_at: at, duration_ms: ms } = found.facts
    expect(at).toEqual(ISO)
    expect(found.sentence).toBe(`It was delivered at ${at} in ${ms} ms: the receiver answered 202.`)
    expect(found.delivery_id).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('not selected: what it had selected then, whatever it selects now', async () => {
    const webhook = await bench.webhookFor('task.completed', 200, { events: ['task.completed', 'meeting.scheduled'] })
    const event = await bench.post('task.created')
    await bench.call('PUT', `/api/webhooks/outbound/${webhook.id}`, { events: ['task.created'] })
    const later = await bench.post('task.created')
    expect(await bench.decision(event, webhook.id, 'not_selected')).toMatchObject({
      delivery_id: null,
      sentence: 'The webhook had not selected task.created, but only task.completed, meeting.scheduled.',
      facts: { selected_events: ['task.completed', 'meeting.scheduled'] }
    })
    await bench.decision(later, webhook.id, 'delivered')
  })

  test('filtered: which path, what was asked, and what was there', async () => {
    const webhook = await bench.webhookFor('task.created', 200, { filter: [{ path: 'data.title', operator: 'exists' }, { path: 'data.priority', operator: 'in', value: ['high', 'urgent'] }] })
    const low = await bench.post('task.created', { title: 'x', priority: 'low' })
    const none = await bench.post('task.created')
    const high = await bench.post('task.created', { title: 'x', priority: 'high' })
    expect(await bench.decision(low, webhook.id, 'filtered')).toMatchObject({
      sentence: 'The webhook\'s filter held it back: data.priority is "low", which is none of "high", "urgent".',
      facts: { unmet: { path: 'data.priority', operator: 'in', value: ['high', 'urgent'], actual: 'low' } }
    })
    expect(await bench.decision(none, webhook.id, 'filtered')).toMatchObject({ sentence: 'The webhook\'s filter held it back: data.title has no value.' })
    await bench.decision(high, webhook.id, 'delivered')
    expect(bench.receiver.received.filter(({ path }) => webhook.url.endsWith(path)).map(({ envelope }) => envelope.id)).toEqual([high])
  })

  test('held: paused since when; and kept, once it is switched on again', async () => {
    const webhook = await bench.webhookFor('task.created', 200)
    await bench.call('PUT', `/api/webhooks/outbound/${webhook.id}`, { active: false })
    const event = await bench.post('task.created')
    const found = await bench.decision(event, webhook.id, 'held')
    expect(found.facts).toEqual({ attempts: 0, inactive_since: ISO, disabled_reason: null })
    expect(found.sentence).toBe(`The webhook has been paused since ${found.facts.inactive_since}. The delivery is kept.`)
    await bench.call('PUT', `/api/webhooks/outbound/${webhook.id}`, { active: true, missed: 'keep' })
    const kept = await bench.decision(event, webhook.id, 'held')
    expect(kept).toMatchObject({ facts: { inactive_since: null }, sentence: expect.stringContaining('while the webhook was switched off') as string })
    await bench.call('POST', `/api/deliveries/${kept.delivery_id}/redeliver`)
    await bench.decision(event, webhook.id, 'delivered')
  })

  test('held: disabled since when, and why', async () => {
    const webhook = await bench.webhookFor('meeting.scheduled', 410)
    const first = await bench.post('meeting.scheduled')
    await bench.decision(first, webhook.id, 'held')
    const second = await bench.post('meeting.scheduled')
    const found = await bench.decision(second, webhook.id, 'held')
    expect(found.facts).toMatchObject({ disabled_reason: 'gone', inactive_since: ISO })
    expect(found.sentence).toBe(`The webhook has been disabled since ${found.facts.inactive_since}. Its receiver answered 410 Gone: there is nobody to deliver to any more. The delivery is kept.`)
  })

  test('throttled: until when its receiver wants to be left alone', async () => {
    const webhook = await bench.webhookFor('meeting.completed', 429, {}, HOUR)
    const first = await bench.post('meeting.completed')
    const found = await bench.decision(first, webhook.id, 'throttled')
    expect(found.facts).toMatchObject({ attempts: 1, last_error: 'http_429', throttled_until: ISO })
    expect(found.sentence).toBe(`An attempt at ${found.facts.last_attempt_at} failed (HTTP 429). Its receiver asked to be left alone until ${found.facts.throttled_until}; then it goes on.`)
    const second = await bench.post('meeting.completed')
    expect(await bench.decision(second, webhook.id, 'throttled')).toMatchObject({ facts: { attempts: 0 }, sentence: expect.stringMatching(/^Its receiver asked/) as string })
  })

  test('waiting: after how many attempts, the last error, and when the next is due', async () => {
    const webhook = await bench.webhookFor('task.completed', 500, {}, HOUR)
    const event = await bench.post('task.completed')
    const found = await bench.decision(event, webhook.id, 'waiting')
    expect(found.facts).toMatchObject({ attempts: 1, last_error: 'http_500', response_status: 500, next_attempt_at: ISO })
    expect(found.sentence).toBe(`An attempt at ${found.facts.last_attempt_at} failed (HTTP 500). The next one is due at ${found.facts.next_attempt_at}.`)
  })

  test('queued: behind how many others, in an ordered webhook', async () => {
    const webhook = await bench.webhookFor('support_ticket.created', 500, { ordered: true }, HOUR)
    const first = await bench.post('support_ticket.created')
    await bench.decision(first, webhook.id, 'waiting')
    await bench.post('support_ticket.created')
    const third = await bench.post('support_ticket.created')
    expect(await bench.decision(third, webhook.id, 'queued')).toMatchObject({
      facts: { behind: 2, ordered: true, attempts: 0 },
      sentence: 'It waits its turn, behind 2 other deliveries: deliveries of this webhook come one after the other.'
    })
  })

  test('queued: when the rate limit is used up', async () => {
    const webhook = await bench.webhookFor('support_ticket.escalated', 200, { rate_limit: { per_second: 0.1, burst: 1 } })
    const first = await bench.post('support_ticket.escalated')
    await bench.decision(first, webhook.id, 'delivered')
    const second = await bench.post('support_ticket.escalated')
    const third = await bench.post('support_ticket.escalated')
    expect(await bench.decision(second, webhook.id, 'queued')).toMatchObject({ facts: { behind: 0 }, sentence: expect.stringMatching(/^It waits its turn, next in line: .*rate limit/) as string })
    expect(await bench.decision(third, webhook.id, 'queued')).toMatchObject({ facts: { behind: 1 }, sentence: expect.stringContaining('behind 1 other delivery:') as string })
  })

  test('under way, then delivered at a later attempt', async () => {
    const held: ServerResponse[] = []
    const webhook = await bench.webhookFor('task.created', (response) => { held.push(response) })
    const event = await bench.post('task.created')
    await bench.decision(event, webhook.id, 'under_way')
    bench.answer(new URL(webhook.url).pathname, 200)
    held[0]!.writeHead(500).end()
    expect((await bench.decision(event, webhook.id, 'delivered')).sentence).toMatch(/ ms: the receiver answered 200, at attempt 2\.$/)
  })

  test('a dead letter, and then discarded', async () => {
    const webhook = await bench.webhookFor('task.created', 500)
    const event = await bench.post('task.created')
    const found = await bench.decision(event, webhook.id, 'dead_letter')
    expect(found.facts).toMatchObject({ attempts: 4, last_error: 'http_500', response_status: 500 })
    expect(found.sentence).toBe(`4 attempts failed, the last one at ${found.facts.last_attempt_at} (HTTP 500). It is a dead letter: it is tried again only when somebody redelivers it.`)
    expect((await bench.call('POST', `/api/deliveries/${found.delivery_id}/discard`)).status).toBe(200)
    await bench.decision(event, webhook.id, 'discarded')
    await bench.call('DELETE', `/api/webhooks/outbound/${webhook.id}`)
  })

  test('ended: 410, and unsubscribed when', async () => {
    const { body: zap } = await bench.call<CreatedSubscription>('POST', '/api/zapier/subscribe', { event: 'task.created', target_url: bench.receiverThat(410) })
    const event = await bench.post('task.created')
    const found = await bench.decision(event, zap.id, 'ended')
    expect(found).toMatchObject({ webhook: { kind: 'zapier' }, facts: { attempts: 1, response_status: 410, disabled_reason: 'gone', ended_at: ISO } })
    expect(found.sentence).toBe(`Its receiver answered 410 Gone: there is nobody to deliver to any more. With that the webhook ended at ${found.facts.ended_at}.`)
    const later = await bench.post('task.created')
    expect(await bench.decision(later, zap.id, 'ended_before')).toMatchObject({
      delivery_id: null, sentence: `The webhook had ended at ${found.facts.ended_at}, before the event was recorded.`
    })
  })

  test('cancelled: the webhook ended before it was delivered', async () => {
    const webhook = await bench.webhookFor('task.completed', 500, {}, HOUR)
    const event = await bench.post('task.completed')
    await bench.decision(event, webhook.id, 'waiting')
    await bench.call('DELETE', `/api/webhooks/outbound/${webhook.id}`)
    const found = await bench.decision(event, webhook.id, 'cancelled')
    expect(found.sentence).toBe(`The webhook ended at ${found.facts.ended_at}, before this was delivered. An attempt at ${found.facts.last_attempt_at} failed (HTTP 500).`)
  })

  test('created later', async () => {
    const event = await bench.post('task.created')
    const webhook = await bench.webhookFor('task.created', 200)
    expect(await bench.decision(event, webhook.id, 'created_later')).toMatchObject({
      delivery_id: null, facts: { created_at: webhook.created_at }, sentence: `The webhook was created at ${webhook.created_at}, after the event was recorded.`
    })
  })

  test('a delivery that is not kept any more', async () => {
    const webhook = await bench.webhookFor('task.created', 200)
    const event = await bench.post('task.created')
    const { delivery_id: id } = await bench.decision(event, webhook.id, 'delivered')
    await bench.database.sql`delete from cscx_zapier.webhook_deliveries where id = ${id}`
    await bench.decision(event, webhook.id, 'not_recorded')
  })

  test('a test concerns the webhook that was tested, and no other', async () => {
    const webhook = await bench.webhookFor('task.created', 200)
    const { body } = await bench.call<{ event_id: string }>('POST', `/api/webhooks/outbound/${webhook.id}/test`, {})
    const { body: event } = await bench.call<ExplainedEvent>('GET', `/api/events/${body.event_id}`)
    expect(event).toMatchObject({ is_test: true, event: 'task.created' })
    expect(event.decisions.data).toMatchObject([{ webhook: { id: webhook.id }, code: 'delivered' }])
  })
})

describe('the decisions about one webhook', () => {
  test('of the types that it has selected; of one code; of another type', async () => {
    const webhook = await bench.webhookFor('support_ticket.escalated', 200, { filter: [{ path: 'data.priority', operator: 'equals', value: 'high' }] })
    const events: string[] = []
    for (const priority of ['high', 'low', 'high', 'low', 'low']) events.push(await bench.post('support_ticket.escalated', { priority }))
    const task = await bench.post('task.created')
    await bench.decision(events[2]!, webhook.id, 'delivered')
    const at = `/api/webhooks/outbound/${webhook.id}/decisions`
    const list = async (query: string) => (await bench.call<Page<WebhookDecision>>('GET', `${at}?${query}`)).body
    const pairs = ({ data }: Page<WebhookDecision>) => data.map(({ event, code }) => [event.id, code])
    expect(pairs(await list('limit=5'))).toEqual([[events[4], 'filtered'], [events[3], 'filtered'], [events[2], 'delivered'], [events[1], 'filtered'], [events[0], 'delivered']])
    const first = await list('code=filtered&limit=2')
    expect(pairs(first)).toEqual([[events[4], 'filtered'], [events[3], 'filtered']])
    expect(pairs(await list(`code=filtered&limit=1&cursor=${first.next_cursor}`))).toEqual([[events[1], 'filtered']])
    expect(await list('event=task.created&limit=1')).toMatchObject({ data: [{ event: { id: task, event: 'task.created' }, code: 'not_selected', webhook: { id: webhook.id } }] })
    expect((await bench.call('GET', '/api/webhooks/outbound/019c0932-1a80-7000-8000-5a9f1e6d2c31/decisions')).status).toBe(404)
    expect((await bench.theirs('GET', at)).status).toBe(404)
  })

  test('rare ones are looked for in so many events at a time', async () => {
    const webhook = await bench.webhookFor('renewal.approaching', 200)
    // Events of before it was there, as a migration from another system would bring them.
    await bench.database.sql`
      insert into cscx_zapier.events (id, organization_id, type, data, occurred_at, created_at)
      select ('00000000-' || lpad(to_hex(n), 4, '0') || '-7000-8000-000000000000')::uuid, (select id from organizations where slug = 'demo'), 'renewal.approaching', '{}', '2020-01-01', '2020-01-01'
      from generate_series(1, 1500) n`
    const at = `/api/webhooks/outbound/${webhook.id}/decisions?code=delivered`
    const { body: first } = await bench.call<Page<WebhookDecision>>('GET', at)
    expect(first.data).toEqual([])
    expect(first.next_cursor).not.toBeNull()
    expect((await bench.call<Page<WebhookDecision>>('GET', `${at}&cursor=${first.next_cursor}`)).body).toEqual({ data: [], next_cursor: null })
    const { body: later } = await bench.call<Page<WebhookDecision>>('GET', `/api/webhooks/outbound/${webhook.id}/decisions?code=created_later&limit=100`)
    expect(later.data).toHaveLength(100)
  })
})

test('a filter holds for what CSCX itself writes, too', async () => {
  const webhook = await bench.webhookFor('health_score.changed', 200, { filter: [{ path: 'data.change', operator: 'less_than', value: -10 }] })
  const customer = bench.database.sql`name = 'Acme Corp' and organization_id = (select id from organizations where slug = 'demo')`
  await bench.database.sql`update customers set health_score = 85 where ${customer}`
  await bench.database.sql`update customers set health_score = 80 where ${customer}`
  await bench.database.sql`update customers set health_score = 60 where ${customer}`
  const [request] = await bench.receiver.requests(new URL(webhook.url).pathname)
  expect(request!.envelope.data).toMatchObject({ previous_score: 80, new_score: 60, change: -20 })
  const { data } = (await bench.call<Page<WebhookDecision>>('GET', `/api/webhooks/outbound/${webhook.id}/decisions?code=filtered`)).body
  expect(data[0]!.sentence).toBe('The webhook\'s filter held it back: data.change is -5, which is not less than -10.')
})
