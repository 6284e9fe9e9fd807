import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DELIVERIES_CHANNEL } from '../../server/outbound/index.js'
import { missing, repeats } from '../helpers/arrivals.js'
import { seedDeliveries } from '../helpers/deliveries.js'
import { eventually } from '../helpers/eventually.js'
import { ROOT, type ServerProcess } from '../helpers/process.js'
import { Proxy } from '../helpers/proxy.js'
import { Stage } from '../helpers/stage.js'

const HOUR_MS = 3_600_000

let stage: Stage
let directory: string

beforeEach(async () => {
  stage = await Stage.open()
  directory = mkdtempSync(join(tmpdir(), 'cscx-clock-'))
})

afterEach(async () => {
  await stage.close()
  rmSync(directory, { recursive: true })
})

const clockFile = () => join(directory, 'offset')

/** Starts a process whose clock a test sets (see test/fixtures/clock.cjs). */
async function startWithClock (variables: Record<string, string> = {}): Promise<ServerProcess> {
  writeFileSync(clockFile(), '0')
  return await stage.start({ NODE_OPTIONS: `--require=${join(ROOT, 'test/fixtures/clock.cjs')}`, CLOCK_FILE: clockFile(), RETRY_SCHEDULE: '300ms,300ms,300ms', ...variables })
}

/** Sets a process's clock so far from the true time, and sees by the time of a new event that it took. */
async function setClock (server: ServerProcess, offsetMs: number): Promise<void> {
  writeFileSync(clockFile(), String(offsetMs))
  process.kill(server.pid, 'SIGUSR2')
  await eventually(async () => {
    const { body } = await stage.post('What time is it?')
    expect(Math.abs(Date.parse(String(body['timestamp'])) - Date.now() - offsetMs)).toBeLessThan(HOUR_MS / 2)
  })
}

test('the clock of the process is set forward and back by an hour: deliveries and retries go on, nothing is lost or comes twice', async () => {
  const server = await startWithClock()
  await stage.webhook('/hook')
  // The first try of every third event fails, so that there are always retries to come.
  const failed = new Set<string>()
  stage.receiver.answer(({ envelope: { id } }, response) => {
    const fails = !failed.has(id) && parseInt(id.slice(-2), 16) % 3 === 0
    if (fails) failed.add(id)
    response.writeHead(fails ? 500 : 200).end()
  })
  const load = stage.load(4)
  for (const offsetMs of [HOUR_MS, -HOUR_MS, 0]) {
    const before = load.accepted.size
    await eventually(() => expect(load.accepted.size).toBeGreaterThan(before + 100))
    await setClock(server, offsetMs)
  }
  await stage.stopLoads()
  await eventually(() => expect(missing(load.accepted.keys(), stage.receiver.received)).toEqual([]))
  await stage.allDelivered()
  expect([...load.statuses]).toEqual([202])
  expect(failed.size).toBeGreaterThan(0)
  expect(repeats(stage.receiver.received)).toBe(failed.size)
  expect(await server.kill('SIGTERM')).toBe(0)
}, 90_000)

test('the clock is set back by an hour while the database is away: work goes on when it is there again, and not an hour later', async () => {
  const direct = stage.world.variables['DATABASE_URL'] ?? ''
  const proxy = await Proxy.start(direct)
  try {
    const server = await startWithClock({ DATABASE_URL: proxy.url(direct) })
    await stage.webhook('/hook')
    await stage.postAll('Before', 5)
    await stage.receiver.requests('/hook', 5)
    await proxy.cut()
    // All of its loops have failed by then, and pause before they try again.
    for (const doing of ['claim deliveries', 'project changes', 'find queues']) await eventually(() => expect(server.errors()).toContain(`"doing":"${doing}"`))
    writeFileSync(clockFile(), String(-HOUR_MS))
    process.kill(server.pid, 'SIGUSR2')
    const written = await stage.addTasks('Written', 5)
    await proxy.restore()
    await eventually(() => expect(missing(written, stage.receiver.received)).toEqual([]))
    await stage.allDelivered()
  } finally {
    await proxy.cut()
  }
})

test('the clock of the database was set back: leases of dead workers that lie far in the future come back, without a restart', async () => {
  await stage.start()
  const { id } = await stage.webhook('/hook')
  await seedDeliveries(stage.sql, { webhookId: id, count: 50, status: 'pending' })
  // What a worker had leased that then died, before the clock was set back by an hour.
  await stage.sql`update cscx_zapier.webhook_deliveries set leased_by = 1, next_attempt_at = now() + interval '1 hour'`
  await eventually(async () => {
    // Each announcement is answered by a round of upkeep, which else comes every few seconds.
    await stage.sql`select pg_notify(${DELIVERIES_CHANNEL}, 'workers')`
    expect(await stage.statuses()).toEqual({ delivered: 50 })
  })
  expect(stage.receiver.received.length).toBe(50)
})
