import type { Decision, ExplainedEvent, FilterPreview, ListedEvent } from '../../shared/event-history.js'
import type { Page } from '../../shared/pagination.js'
import { HistoryWorkbench, ISO } from './history-workbench.js'

let bench: HistoryWorkbench

beforeAll(async () => { bench = await HistoryWorkbench.start() })
afterAll(async () => await bench.stop())

describe('an event', () => {
  test('shows its data, and its decisions in pages: what it was meant for first, what came later last', async () => {
    const before = [await bench.webhookFor('meeting.scheduled', 200), await bench.webhookFor('meeting.scheduled', 200), await bench.webhookFor('meeting.completed', 200)]
    const event = await bench.post('meeting.scheduled', { title: 'QBR', customer_name: 'Acme Corp' })
    const after = await bench.webhookFor('meeting.scheduled', 200)
    const pages: Decision[][] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const { body }: { body: ExplainedEvent } = await bench.call('GET', `/api/events/${event}?limit=3${cursor && `&cursor=${cursor}`}`)
      expect(body).toMatchObject({ id: event, event: 'meeting.scheduled', customer_name: 'Acme Corp', is_test: false, data: { title: 'QBR', origin: 'api' } })
      pages.push(body.decisions.data)
      cursor = body.decisions.next_cursor
    }
    const all = pages.flat()
    expect(pages.slice(0, -1).every((page) => page.length === 3)).toBe(true)
    expect(new Set(all.map(({ webhook }) => webhook.id)).size).toBe(all.length)
    const [{ count }] = await bench.database.sql<[{ count: number }]>`select count(*)::int from cscx_zapier.outbound_webhooks where organization_id = (select organization_id from cscx_zapier.events where id = ${event})`
    expect(all).toHaveLength(count)
    const order = all.map(({ webhook }) => webhook.id)
    const places = [...before.map(({ id }) => order.indexOf(id)), order.indexOf(after.id)]
    expect(places[2]).toBeGreaterThan(Math.max(places[0]!, places[1]!))
    expect(places[3]).toBeGreaterThan(places[2]!)
    expect(all.slice(0, all.findIndex(({ delivery_id: id }) => id === null)).every(({ delivery_id: id }) => id !== null)).toBe(true)
  })

  test('that is not there, not ours, or not an id is not found; a cursor of another list is refused', async () => {
    const event = await bench.post('task.created')
    expect((await bench.theirs('GET', `/api/events/${event}`)).status).toBe(404)
    expect((await bench.call('GET', '/api/events/019c0932-1a80-7000-8000-5a9f1e6d2c31')).status).toBe(404)
    expect((await bench.call('GET', '/api/events/nonsense')).status).toBe(404)
    expect((await bench.call('GET', `/api/events/${event}?cursor=${event}`)).body).toMatchObject({ code: 'validation_failed', errors: [{ pointer: '#query/cursor' }] })
  })

  test('wants the scope events:read, and tells neither URLs nor secrets', async () => {
    const webhook = await bench.webhookFor('task.created', 200)
    const event = await bench.post('task.created')
    const reader = await bench.client('events:read')
    const { status, body } = await reader<ExplainedEvent>('GET', `/api/events/${event}`)
    expect(status).toBe(200)
    expect(JSON.stringify(body)).not.toContain(new URL(webhook.url).pathname + '"')
    const other = await bench.client('webhooks:read')
    for (const path of ['/api/events', `/api/events/${event}`, `/api/webhooks/outbound/${webhook.id}/decisions`]) expect((await other('GET', path)).status).toBe(403)
  })
})

describe('events are listed', () => {
  const list = async (query: string, client = bench.call) => (await client<Page<ListedEvent>>('GET', `/api/events?${query}`)).body

  test('newest first, with how their deliveries stand, in pages', async () => {
    const webhook = await bench.webhookFor('support_ticket.created', 200, { filter: [{ path: 'data.subject', operator: 'equals', value: 'y' }] })
    const ids = [await bench.post('support_ticket.created', { subject: 'y' }), await bench.post('task.created'), await bench.post('support_ticket.created', { subject: 'z' })]
    await bench.decision(ids[0]!, webhook.id, 'delivered')
    await bench.call('DELETE', `/api/webhooks/outbound/${webhook.id}`)
    const first = await list('limit=2')
    expect(first.data.map(({ id }) => id)).toEqual([ids[2], ids[1]])
    expect(first.data[0]).toMatchObject({ event: 'support_ticket.created', is_test: false, timestamp: ISO, recorded_at: ISO })
    expect(first.data[0]!.deliveries).toMatchObject({ filtered: 1 })
    const second = await list(`limit=1&cursor=${first.next_cursor}`)
    expect(second.data.map(({ id }) => id)).toEqual([ids[0]])
    expect(second.data[0]!.deliveries).toMatchObject({ delivered: 1 })
  })

  test('by type, customer and time', async () => {
    const mine = await bench.post('task.created', { customer_id: 'c-1', customer_name: 'One' })
    const other = await bench.post('task.completed', { customer_id: 'c-1' })
    await bench.post('task.created', { customer_id: 'c-2' })
    const ids = async (query: string) => (await list(query)).data.map(({ id }) => id)
    expect(await ids('customer_id=c-1')).toEqual([other, mine])
    expect(await ids('customer_id=c-1&event=task.created')).toEqual([mine])
    expect(await ids('customer_id=c-1&event=task.created&event=task.completed&limit=1')).toEqual([other])
    expect(await ids('event=task.completed&limit=1')).toEqual([other])
    const { recorded_at: at } = (await list('customer_id=c-1&event=task.created')).data[0]!
    expect(await ids(`customer_id=c-1&event=task.created&from=${at}`)).toEqual([mine])
    expect(await ids(`customer_id=c-1&event=task.created&to=${at}`)).toEqual([])
    expect((await list(`event=task.created&to=${at}&limit=1`)).data[0]!.id < mine).toBe(true)
    const [latest] = (await list('event=task.created&limit=1')).data as [ListedEvent]
    expect((await ids(`event=task.created&from=${latest.recorded_at}`))[0]).toBe(latest.id)
    expect((await list(`event=task.created&from=${latest.recorded_at}&limit=100`)).data.every((event) => event.recorded_at >= latest.recorded_at)).toBe(true)
    expect(await ids(`event=task.created&from=${new Date(Date.parse(latest.recorded_at) + 1).toISOString()}`)).toEqual([])
    expect(await ids(`customer_id=c-1&from=${new Date(Date.now() + 60_000).toISOString()}`)).toEqual([])
    expect(await ids('customer_id=nobody')).toEqual([])
  })

  test('tests are marked, and are neither decisions nor events that a filter is tried on', async () => {
    const webhook = await bench.webhookFor('approval.requested', 200)
    const { body } = await bench.call<{ event_id: string }>('POST', `/api/webhooks/outbound/${webhook.id}/test`, {})
    expect((await list('event=approval.requested')).data).toMatchObject([{ id: body.event_id, is_test: true, deliveries: { delivered: 1 } }])
    expect((await bench.call('GET', `/api/webhooks/outbound/${webhook.id}/decisions`)).body).toEqual({ data: [], next_cursor: null })
    const preview = await bench.call('POST', '/api/webhooks/filter-preview', { events: ['approval.requested'], filter: [{ path: 'data.status', operator: 'exists' }] })
    expect(preview.body).toMatchObject({ source: 'samples', passed: 1 })
  })

  test('of their own tenant only', async () => {
    const [{ id }] = (await list('limit=1')).data as [ListedEvent]
    await bench.theirs('POST', '/api/events', { event: 'task.created', data: { task_id: 't', customer_id: 'c-1' } })
    const { data } = await list('limit=100', bench.theirs)
    expect(data[0]).toMatchObject({ event: 'task.created', customer_id: 'c-1' })
    expect(data.map((event) => event.id)).not.toContain(id)
    expect((await list('customer_id=c-1')).data.map((event) => event.id)).not.toContain(data[0]!.id)
  })

  test('a query that cannot be is refused', async () => {
    const { status, body } = await bench.call('GET', '/api/events?event=nope&from=yesterday&limit=0&cursor=x')
    expect(status).toBe(422)
    expect((body['errors'] as Array<{ pointer: string }>).map(({ pointer }) => pointer).sort()).toEqual(['#query/event', '#query/from', '#query/limit'])
  })
})

describe('a filter is tried', () => {
  const preview = async (body: unknown) => await bench.call<FilterPreview>('POST', '/api/webhooks/filter-preview', body)

  test('on the latest events', async () => {
    const ids = [await bench.post('task.completed', { title: 'Renew' }), await bench.post('task.completed'), await bench.post('task.completed', { title: 'Call' })]
    const { status, body } = await preview({ events: ['task.completed'], filter: [{ path: 'data.title', operator: 'starts_with', value: 'ren' }], limit: 3 })
    expect(status).toBe(200)
    expect(body).toMatchObject({ source: 'events', passed: 1 })
    expect(body.data.map(({ id, passes, sentence }) => [id, passes, sentence])).toEqual([
      [ids[2], false, 'data.title is "Call", which does not start with "ren"'],
      [ids[1], false, 'data.title has no value, which does not start with "ren"'],
      [ids[0], true, null]
    ])
    const [{ count }] = await bench.database.sql<[{ count: number }]>`select count(*)::int from cscx_zapier.outbound_webhooks where filter::text like '%Renew%'`
    expect(count).toBe(0)
  })

  test('on samples, where there are no events', async () => {
    const { body } = await preview({ events: ['renewal.at_risk', 'risk_signal.resolved'], filter: [{ path: 'data.customer_name', operator: 'not_equals', value: 'Acme Corp' }] })
    expect(body).toMatchObject({ source: 'samples', passed: 0 })
    expect(body.data.map(({ event, sentence }) => [event, sentence])).toEqual([
      ['renewal.at_risk', 'data.customer_name is "Acme Corp", which is equal to "Acme Corp"'], ['risk_signal.resolved', 'data.customer_name is "Acme Corp", which is equal to "Acme Corp"']
    ])
  })

  test('that could not work is refused, naming the field', async () => {
    const { status, body } = await preview({ events: ['health_score.changed'], filter: [{ path: 'data.change', operator: 'less_than', value: '-10' }, { path: 'data.chnge', operator: 'exists' }] })
    expect(status).toBe(422)
    expect((body as unknown as { errors: unknown }).errors).toEqual([
      { pointer: '/filter/0/value', detail: 'data.change takes a number', code: 'invalid_type' },
      { pointer: '/filter/1/path', detail: 'There is no data.chnge in health_score.changed. Did you mean data.change?', code: 'unknown_path' }
    ])
  })
})
