import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { missing, repeats, unstableIds } from '../helpers/arrivals.js'
import { eventually } from '../helpers/eventually.js'
import { ROOT, type ServerProcess } from '../helpers/process.js'
import { seededRandom } from '../helpers/random.js'
import { Stage } from '../helpers/stage.js'
import { embeddedWorld, postgresWorld } from '../helpers/worlds.js'

let stage: Stage

afterEach(async () => await stage.close())

/** Waits for so many more deliveries to arrive: a moment that depends on what happens and not on a clock. */
async function arrivals (count: number): Promise<void> {
  const mark = stage.receiver.received.length + count
  await eventually(() => expect(stage.receiver.received.length).toBeGreaterThanOrEqual(mark))
}

/** Adds tasks as CSCX does, under load. @returns the titles of those that are surely there. */
function writeTasks (): string[] {
  const titles: string[] = []
  stage.load(1, async (title) => {
    titles.push(...await stage.addTasks(title, 3))
    return { status: 202, body: null }
  })
  return titles
}

describe('on real Postgres', () => {
  const roles = ['all', 'worker', 'api'] as const
  const processes = new Map<string, ServerProcess>()

  /** Each has a name of its own in the database, which tells its leases from the others'. */
  async function start (role: string): Promise<void> {
    const url = new URL(stage.world.variables['DATABASE_URL'] ?? '')
    url.searchParams.set('application_name', role)
    processes.set(role, await stage.start({ ROLE: role, DATABASE_URL: url.href }))
  }

  /** What a process may have sent and not recorded: what it holds leases of. */
  async function countLeased (role: string): Promise<number> {
    const [row] = await stage.sql<Array<{ count: number }>>`
      select count(*)::int as count from cscx_zapier.webhook_deliveries
      where status = 'pending' and leased_by in (
        select objid::bigint::int from pg_locks join pg_stat_activity using (pid)
        where locktype = 'advisory' and objsubid = 2 and application_name = ${role})`
    return row?.count ?? 0
  }

  test('kill -9 of any process at any moment under load, six times: nothing is lost, and no more comes twice than was under way', async () => {
    const random = seededRandom(210)
    stage = await Stage.open(postgresWorld)
    for (const role of roles) await start(role)
    await stage.webhook('/hook')
    const load = stage.load(6, async (title) => await stage.post(title, processes.get(random(2) === 0 ? 'all' : 'api')))
    const written = writeTasks()
    let underWay = 0
    for (let round = 0; round < 6; round++) {
      const role = roles[random(roles.length)] ?? 'all'
      const victim = processes.get(role)
      await arrivals(20 + random(300))
      // It stands still while its leases are counted, and never moves again.
      process.kill(victim?.pid ?? 0, 'SIGSTOP')
      underWay += await countLeased(role)
      await victim?.kill('SIGKILL')
      await start(role)
    }
    await stage.stopLoads()
    await eventually(() => expect(missing([...load.accepted.keys(), ...written], stage.receiver.received)).toEqual([]), 30_000)
    await stage.allDelivered()
    expect(unstableIds(stage.receiver.received)).toEqual([])
    expect(repeats(stage.receiver.received)).toBeLessThanOrEqual(underWay)
    expect([...load.statuses].filter((status) => status !== 202 && status !== 503)).toEqual([])
  }, 120_000)
})

describe('on the embedded default', () => {
  /** While no process runs: opens the database as the product's own command does. */
  async function countLeased (): Promise<number> {
    const statement = 'select \'leased=\' || count(leased_by) as answer from cscx_zapier.webhook_deliveries where status = \'pending\''
    const { stdout } = await promisify(execFile)(process.execPath, [join(ROOT, 'dist/server/cli/sql.js'), statement], { env: { ...process.env, DATABASE_URL: '', ...stage.world.variables } })
    return Number(/leased=(\d+)/.exec(stdout)?.[1])
  }

  test('kill -9 under load, twice: nothing that was acknowledged is lost, and no more comes twice than was under way', async () => {
    const random = seededRandom(211)
    stage = await Stage.open(embeddedWorld)
    let server = await stage.start()
    await stage.webhook('/hook')
    const load = stage.load(4, async (title) => await stage.post(title, server))
    const written = writeTasks()
    let underWay = 0
    for (let round = 0; round < 2; round++) {
      await arrivals(50 + random(200))
      await server.kill('SIGKILL')
      underWay += await countLeased()
      server = await stage.start()
    }
    await arrivals(20)
    await stage.stopLoads()
    await eventually(() => expect(missing([...load.accepted.keys(), ...written], stage.receiver.received)).toEqual([]), 30_000)
    await stage.allDelivered()
    expect(unstableIds(stage.receiver.received)).toEqual([])
    expect(repeats(stage.receiver.received)).toBeLessThanOrEqual(underWay)
  }, 120_000)
})
