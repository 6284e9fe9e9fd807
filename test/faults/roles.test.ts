import { missing, repeats } from '../helpers/arrivals.js'
import { eventually } from '../helpers/eventually.js'
import { Stage } from '../helpers/stage.js'

/** Several processes share a database. */
let stage: Stage

beforeEach(async () => { stage = await Stage.open() })

afterEach(async () => await stage.close())

const start = async (role: string, variables: Record<string, string> = {}) => await stage.start({ ROLE: role, ...variables })

/** Holds all answers back. @returns gives them. */
function holdAnswers (): () => void {
  const held: Array<() => void> = []
  stage.receiver.answer((_request, response) => held.push(() => response.writeHead(200).end()))
  return () => {
    stage.receiver.answer(200)
    for (const answer of held) answer()
  }
}

/** Adds tasks one after the other: of what one statement writes, or is posted side by side, nobody can say which was first. */
async function addInTurn (count: number): Promise<string[]> {
  const titles: string[] = []
  for (let n = 0; n < count; n++) titles.push(...await stage.addTasks(`In turn ${n}`, 1))
  return titles
}

const sent = (path: string) => stage.receiver.received.filter((request) => request.path === path)
const titlesOf = (path: string) => sent(path).map(({ envelope }) => String(envelope.data['title']))

test('api and worker may be processes of their own', async () => {
  await start('api')
  await stage.webhook('/hook')
  await stage.postAll('Posted', 1)
  const worker = await start('worker')
  await stage.receiver.requests('/hook', 1)
  expect((await fetch(`${worker.url}/health/ready`)).status).toBe(200)
  expect((await fetch(`${worker.url}/api/me`)).status).toBe(404)
})

test('workers that race for everything: fresh events, retries, queues, rate limits, an ordered webhook and a redelivery, each delivery has one', async () => {
  const schedule = { RETRY_SCHEDULE: '50ms' }
  await Promise.all([start('worker', schedule), start('worker', schedule)])
  await start('all', schedule)
  await stage.webhook('/plain')
  await stage.webhook('/slow')
  await stage.webhook('/limited', { rate_limit: { per_second: 200, burst: 20 } })
  await stage.webhook('/ordered', { ordered: true })
  const failing = await stage.webhook('/failing')
  let isWell = false
  stage.receiver.answer(({ path }, response) => {
    const answer = () => response.writeHead(path === '/failing' && !isWell ? 500 : 200).end()
    if (path === '/slow') setTimeout(answer, 30)
    else answer()
  })
  const titles = [...await stage.addTasks('Written', 130), ...await stage.postAll('Posted', 40)]
  const inTurn = await addInTurn(30)
  titles.push(...inTurn)
  await eventually(async () => expect(await stage.statuses()).toEqual({ delivered: 4 * 200, dead_letter: 200 }), 40_000)
  for (const path of ['/plain', '/slow', '/limited', '/ordered']) {
    expect([path, sent(path).length, missing(titles, sent(path))]).toEqual([path, 200, []])
  }
  expect(sent('/failing').length).toBe(2 * 200)
  expect(titlesOf('/ordered').filter((title) => inTurn.includes(title))).toEqual(inTurn)

  isWell = true
  expect((await stage.call('POST', '/api/redeliveries', { webhook_id: failing.id, per_second: 1_000 })).status).toBe(202)
  await stage.allDelivered(40_000)
  expect(sent('/failing').length).toBe(3 * 200)
  expect(repeats(sent('/failing'))).toBe(2 * 200)
}, 120_000)

test('a worker that is killed is replaced at once by the one that lives', async () => {
  const second = await start('worker')
  await start('all')
  await stage.webhook('/hook')
  // Answers are held back until one worker is dead, so that both have leases in their hands.
  const answer = holdAnswers()
  const titles = await stage.addTasks('Written', 1500)
  await eventually(async () => expect(await stage.sql`select distinct leased_by from cscx_zapier.webhook_deliveries where leased_by is not null`).toHaveLength(2))
  await second.kill('SIGKILL')
  answer()
  await eventually(() => expect(missing(titles, stage.receiver.received)).toEqual([]), 30_000)
})

test('a worker that is killed in the middle of an ordered webhook: nothing is overtaken', async () => {
  const first = await start('all')
  await stage.webhook('/ordered', { ordered: true })
  const answers: Array<() => void> = []
  stage.receiver.answer(({ envelope: { data } }, response) => {
    const answer = () => { response.writeHead(200).end() }
    if (data['title'] === 'In turn 4 0') answers.push(answer)
    else answer()
  })
  const titles = await addInTurn(10)
  await eventually(() => expect(answers).toHaveLength(1))
  await first.kill('SIGKILL')
  await start('worker')
  await eventually(() => expect(answers).toHaveLength(2))
  answers[1]?.()
  await stage.allDelivered()
  expect(titlesOf('/ordered')).toEqual(titles.toSpliced(4, 0, titles[4] ?? ''))
})

test('all connections to the database lost: the server lives on, and nothing is sent twice but what was under way', async () => {
  const server = await start('all')
  await stage.webhook('/hook')
  const answer = holdAnswers()
  await stage.addTasks('Before', 16)
  await stage.receiver.requests('/hook', 16)
  const cut = async () => await stage.sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and application_name = 'cscx-zapier'`
  for (let i = 0; i < 3; i++) await cut()
  // Housekeeping looks for leases of the dead every five seconds: its own must not be among them.
  await eventually(async () => {
    const [lock] = await stage.sql`select 1 from pg_locks where locktype = 'advisory' and objsubid = 2 and database = (select oid from pg_database where datname = current_database())`
    expect(lock).toBeDefined()
  })
  expect(stage.receiver.received.length).toBe(16)
  answer()
  await eventually(async () => expect(await stage.statuses()).toEqual({ delivered: 16 }))
  await stage.addTasks('Afterwards', 5)
  await stage.receiver.requests('/hook', 21)
  expect(stage.receiver.received.length).toBe(21)
  expect(await server.kill('SIGTERM')).toBe(0)
})
