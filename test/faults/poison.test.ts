import { missing } from '../helpers/arrivals.js'
import { eventually } from '../helpers/eventually.js'
import { peakMemoryMb } from '../helpers/memory.js'
import type { ServerProcess } from '../helpers/process.js'
import { Stage } from '../helpers/stage.js'

/** Events that are hard to swallow. */
let stage: Stage
let server: ServerProcess

beforeEach(async () => {
  stage = await Stage.open()
  server = await stage.start()
})

afterEach(async () => await stage.close())

test('an event that the database refuses fails alone, with a problem that says so: its neighbours in the batch are accepted', async () => {
  await stage.webhook('/hook')
  await stage.sql.unsafe(`create function refuse_poison() returns trigger language plpgsql as $$ begin
      raise invalid_text_representation using message = 'no poison';
    end $$;
    create trigger refuse_poison before insert on cscx_zapier.events for each row when (new.data ->> 'title' like 'Poison%') execute function refuse_poison()`)
  const titles = Array.from({ length: 200 }, (_, n) => n % 67 === 33 ? `Poison ${n}` : `Posted ${n}`)
  const answers = await Promise.all(titles.map(async (title) => ({ title, ...await stage.post(title) })))
  const refused = answers.filter(({ title }) => title.startsWith('Poison'))
  const accepted = answers.filter(({ title }) => !title.startsWith('Poison'))
  expect(accepted.filter(({ status }) => status !== 202)).toEqual([])
  expect(refused).toHaveLength(3)
  for (const { status, body } of refused) expect([status, body]).toEqual([422, expect.objectContaining({ code: 'validation_failed', errors: [expect.objectContaining({ pointer: '/data' })] })])
  await eventually(() => expect(missing(accepted.map(({ title }) => title), stage.receiver.received)).toEqual([]))
  expect(stage.receiver.received.length).toBe(197)
})

test('an answer that the database refuses is left out of the record, and keeps no other from being recorded', async () => {
  const webhook = await stage.webhook('/hook')
  await stage.sql.unsafe(`create function refuse_poison() returns trigger language plpgsql as $$ begin
      raise invalid_text_representation using message = 'no poison';
    end $$;
    create trigger refuse_poison before insert on cscx_zapier.delivery_attempts for each row when (new.response_body = 'Poison') execute function refuse_poison()`)
  stage.receiver.answer(({ body }, response) => response.writeHead(200).end(/Posted \d*3"/.test(body) ? 'Poison' : 'fine'))
  await stage.postAll('Posted', 100)
  await eventually(async () => expect(await stage.statuses(webhook.id)).toEqual({ delivered: 100 }))
  const bodies = await stage.sql`select response_body as body, count(*)::int as count from cscx_zapier.delivery_attempts group by 1 order by 1`
  expect(bodies).toEqual([{ body: '', count: 10 }, { body: 'fine', count: 90 }])
  expect(stage.receiver.received).toHaveLength(100)
})

test('characters that Postgres cannot hold harm nobody, not even where a filter looks at the data', async () => {
  await stage.webhook('/filtered', { filter: [{ path: 'data.title', operator: 'contains', value: 'Posted' }] })
  const [strange, ...plain] = await Promise.all(['Posted \u0000 NUL', 'Posted \ud800 half a pair', 'Posted plainly'].map(async (title) => ({ title, ...await stage.post(title) })))
  expect([202, 422]).toContain(strange?.status)
  expect([202, 422]).toContain(plain[0]?.status)
  expect(plain[1]?.status).toBe(202)
  await eventually(() => expect(missing(['Posted plainly'], stage.receiver.received)).toEqual([]))
})

test('events as large as a body may be: many of them for many webhooks, also after a restart, fit into memory', async () => {
  const large = 1_000_000
  const webhooks = 40
  const memoryMb = 600
  const events = 10
  for (let n = 0; n < webhooks; n++) await stage.webhook('/hook', { events: ['customer.updated'] })
  stage.receiver.answer((_request, response) => { response.writeHead(503, { 'retry-after': '1' }).end() })
  for (let n = 0; n < events; n++) {
    const { status } = await stage.call('POST', '/api/events', { event: 'customer.updated', data: { customer_id: String(n), changed_fields: ['x'.repeat(large)] } })
    expect(status).toBe(202)
  }
  await stage.receiver.requests('/hook', webhooks)
  expect(peakMemoryMb(server.pid)).toBeLessThan(memoryMb)
  await server.kill('SIGKILL')
  // All of them are due at once, and the process knows nothing yet of how large they are.
  await stage.sql`update cscx_zapier.outbound_webhooks set throttled_until = null`
  await stage.sql`update cscx_zapier.webhook_deliveries set next_attempt_at = now(), leased_by = null where status = 'pending'`
  stage.receiver.answer(200)
  server = await stage.start()
  await stage.allDelivered(60_000)
  expect(peakMemoryMb(server.pid)).toBeLessThan(memoryMb)
}, 120_000)
