import { CAP_START } from '../../server/outbound/engine/lane.js'
import { missing, repeats } from '../helpers/arrivals.js'
import { seedDeliveries } from '../helpers/deliveries.js'
import { eventually } from '../helpers/eventually.js'
import type { ServerProcess } from '../helpers/process.js'
import { Proxy } from '../helpers/proxy.js'
import { Stage } from '../helpers/stage.js'

/** The database is there all the while, but the product cannot reach it. */
let stage: Stage
let proxy: Proxy
let server: ServerProcess

beforeEach(async () => {
  stage = await Stage.open()
  const direct = stage.world.variables['DATABASE_URL'] ?? ''
  proxy = await Proxy.start(direct)
  server = await stage.start({ DATABASE_URL: proxy.url(direct) })
})

afterEach(async () => {
  await proxy.cut()
  await stage.close()
})

/** Posts as many events as a new webhook is sent at once, to a receiver that does not answer before it is let. @returns lets it. */
async function sendAndHold (): Promise<() => void> {
  const answers: Array<() => void> = []
  stage.receiver.answer((_request, response) => answers.push(() => response.writeHead(200).end()))
  await stage.postAll('Held', CAP_START)
  await stage.receiver.requests('/hook', CAP_START)
  return () => {
    stage.receiver.answer(200)
    for (const answer of answers) answer()
  }
}

const isReady = async () => expect((await fetch(`${server.url}/health/ready`)).status).toBe(200)

const sentMoreThanOnce = () => repeats(stage.receiver.received)

test('it goes away twice under load that goes on: honest 503s, nothing that was acknowledged is lost or sent twice', async () => {
  await stage.webhook('/hook')
  const load = stage.load(8)
  for (let round = 0; round < 2; round++) {
    const before = load.accepted.size
    await eventually(() => expect(load.accepted.size).toBeGreaterThan(before + 50))
    load.statuses.delete(503)
    await proxy.cut()
    await eventually(() => expect(load.statuses).toContain(503))
    await proxy.restore()
  }
  // Leases whose grant was lost with the connection come back within seconds, not only when the load ends.
  const soFar = [...load.accepted.keys()]
  await eventually(() => expect(missing(soFar, stage.receiver.received)).toEqual([]), 30_000)
  await eventually(isReady)
  await stage.stopLoads()
  await eventually(() => expect(missing(load.accepted.keys(), stage.receiver.received)).toEqual([]), 30_000)
  await stage.allDelivered()
  expect([...load.statuses].sort()).toEqual([202, 503])
  expect(load.unanswered).toBe(0)
  expect(sentMoreThanOnce()).toBe(0)
  expect(await server.kill('SIGTERM')).toBe(0)
}, 120_000)

test('it is gone for 30 s while deliveries are under way: those are recorded afterwards, and not sent again', async () => {
  await stage.webhook('/hook')
  const answer = await sendAndHold()
  await proxy.cut()
  answer()
  const until = performance.now() + 30_000
  await eventually(async () => {
    const { status, headers } = await stage.post('Not now')
    expect([status, headers.get('retry-after')]).toEqual([503, '5'])
    expect(performance.now()).toBeGreaterThan(until)
  }, 60_000)
  await proxy.restore()
  await stage.allDelivered(30_000)
  expect(stage.receiver.received.length).toBe(CAP_START)
  await stage.postAll('Afterwards', 5)
  await stage.receiver.requests('/hook', CAP_START + 5)
  await stage.allDelivered()
  expect(await stage.sql`select 1 from cscx_zapier.delivery_attempts`).toHaveLength(CAP_START + 5)
  expect(await server.kill('SIGTERM')).toBe(0)
}, 120_000)

test('it is gone for longer than a lease: what this process still has to record, it does not send again', async () => {
  await stage.webhook('/hook')
  const answer = await sendAndHold()
  await proxy.cut()
  answer()
  // As if the outage had lasted: all of its leases have run out.
  await stage.sql`update cscx_zapier.webhook_deliveries set next_attempt_at = now() - interval '1 minute' where leased_by is not null`
  await proxy.restore()
  await stage.allDelivered(30_000)
  expect(stage.receiver.received.length).toBe(CAP_START)
})

test('it goes away after a claim has leased deliveries and before the answer is through: they are sent once, within seconds, also under load', async () => {
  const { id } = await stage.webhook('/hook')
  const seeded = await seedDeliveries(stage.sql, { webhookId: id, count: 20, status: 'pending' })
  // The claim stands still just before it is through, until the test lets go of lock 1.
  await stage.sql.unsafe(`create function wait_for_test() returns trigger language plpgsql as $$ begin
      perform pg_advisory_xact_lock_shared(1);
      return new;
    end $$;
    create trigger wait_for_test before update on cscx_zapier.webhook_deliveries for each row when (new.leased_by is not null) execute function wait_for_test()`)
  await stage.sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(1)`
    await stage.sql`update cscx_zapier.webhook_deliveries set next_attempt_at = now()`
    await eventually(async () => expect(await tx`select from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())`).toHaveLength(1))
    proxy.holdAnswers()
  })
  await eventually(async () => expect(await stage.sql`select from cscx_zapier.webhook_deliveries where leased_by is not null`).toHaveLength(CAP_START))
  await proxy.cut()
  await proxy.restore()
  const load = stage.load(32)
  const rest = async () => await stage.sql`select 1 from cscx_zapier.webhook_deliveries where id = any(${seeded.map(({ deliveryId }) => deliveryId)}::uuid[]) and status <> 'delivered'`
  await eventually(async () => expect(await rest()).toHaveLength(0), 30_000)
  await stage.stopLoads()
  await stage.allDelivered()
  expect(stage.receiver.received.length).toBe(20 + load.accepted.size)
  expect(sentMoreThanOnce()).toBe(0)
}, 90_000)

test('connections break while they are made: the process lives, and those that come after them work', async () => {
  await stage.webhook('/hook')
  // What the driver asks first on each connection of its pool.
  proxy.breakOn('pg_catalog.pg_type')
  const answers = await Promise.all(Array.from({ length: 50 }, async (_, n) => await stage.post(`Sometimes ${n}`)))
  expect([202, 503]).toEqual(expect.arrayContaining([...new Set(answers.map(({ status }) => status))]))
  await proxy.cut()
  await proxy.restore()
  await eventually(isReady)
  const titles = await stage.postAll('Posted', 50)
  await eventually(() => expect(missing(titles, stage.receiver.received)).toEqual([]))
  await stage.allDelivered()
  expect(await server.kill('SIGTERM')).toBe(0)
})

test('its announcements are lost: polling delivers all the same', async () => {
  await stage.webhook('/hook')
  const worker = await stage.start({ ROLE: 'worker' })
  await server.kill('SIGTERM')
  const api = await stage.start({ ROLE: 'api' })
  let isOver = false
  // Whoever listens is cut off as soon as it does.
  const cutting = (async () => {
    while (!isOver) await stage.sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query ilike 'listen %'`
  })()
  const titles: string[] = []
  for (let round = 0; round < 10; round++) {
    titles.push(...await stage.addTasks(`Written ${round}`, 2), `Posted ${round}`)
    expect((await stage.post(`Posted ${round}`, api)).status).toBe(202)
  }
  await eventually(() => expect(missing(titles, stage.receiver.received)).toEqual([]))
  isOver = true
  await cutting
  await stage.allDelivered()
  expect(stage.receiver.received.length).toBe(titles.length)
  expect(await worker.kill('SIGTERM')).toBe(0)
})
