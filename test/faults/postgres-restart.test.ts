import postgres from 'postgres'
import { missing, repeats, unstableIds } from '../helpers/arrivals.js'
import { eventually } from '../helpers/eventually.js'
import { OwnPostgres } from '../helpers/own-postgres.js'
import type { ServerProcess } from '../helpers/process.js'
import { Stage } from '../helpers/stage.js'

const CONNECTIONS = 30

/** What happens to a real server: it is restarted, and others fill it up. */
let stage: Stage<OwnPostgres>
let server: ServerProcess

beforeAll(async () => {
  stage = await Stage.open(async () => await OwnPostgres.start({ max_connections: CONNECTIONS }))
  server = await stage.start()
  await stage.webhook('/hook')
})

afterAll(async () => await stage.close())

test('restarted under load, by a crash and in order, twice each: only 202 and 503 are seen, and all that was acknowledged arrives once', async () => {
  const load = stage.load(8)
  for (const mode of ['immediate', 'fast', 'immediate', 'fast'] as const) {
    const before = load.accepted.size
    await eventually(() => expect(load.accepted.size).toBeGreaterThan(before + 50))
    load.statuses.delete(503)
    await stage.world.restart(mode)
    await eventually(() => expect(load.statuses).toContain(503))
  }
  const before = load.accepted.size
  await eventually(() => expect(load.accepted.size).toBeGreaterThan(before + 50))
  await stage.stopLoads()
  await eventually(() => expect(missing(load.accepted.keys(), stage.receiver.received)).toEqual([]), 30_000)
  await stage.allDelivered()
  expect([...load.statuses].sort()).toEqual([202, 503])
  expect(load.unanswered).toBe(0)
  expect(unstableIds(stage.receiver.received)).toEqual([])
  expect(repeats(stage.receiver.received)).toBe(0)
}, 90_000)

test('all connections taken by others: an honest 503, and it goes on by itself when there is one again', async () => {
  const hogs: postgres.Sql[] = []
  /** Takes whatever connections are free. */
  const fill = async () => {
    for (;;) {
      const hog = postgres(stage.world.url, { max: 1, onnotice: () => {}, connection: { application_name: 'hog' } })
      try {
        await hog`select 1`
      } catch {
        return await hog.end({ timeout: 0 })
      }
      hogs.push(hog)
    }
  }
  await fill()
  const [first] = hogs
  await eventually(async () => {
    await first?.unsafe('select pg_terminate_backend(pid) from pg_stat_activity where application_name = \'cscx-zapier\'')
    await fill()
    expect(await first?.unsafe('select 1 from pg_stat_activity where application_name = \'cscx-zapier\'')).toHaveLength(0)
  })
  const { status, headers, body } = await stage.post('Refused')
  expect([status, headers.get('content-type'), headers.get('retry-after')]).toEqual([503, expect.stringContaining('application/problem+json'), '5'])
  expect(body).toMatchObject({ code: 'unavailable', status: 503 })
  expect((await fetch(`${server.url}/health/ready`)).status).toBe(503)
  expect((await fetch(`${server.url}/health/live`)).status).toBe(200)
  await Promise.all(hogs.map(async (hog) => await hog.end({ timeout: 1 })))
  const titles = await eventually(async () => await stage.postAll('Posted', 20))
  titles.push(...await stage.addTasks('Written', 20))
  await eventually(() => expect(missing(titles, stage.receiver.received)).toEqual([]))
  await stage.allDelivered()
  expect(repeats(stage.receiver.received)).toBe(0)
  expect(await server.kill('SIGTERM')).toBe(0)
})
