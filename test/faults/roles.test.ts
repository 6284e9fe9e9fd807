import { startServerProcess, type ServerProcess } from '../helpers/process.js'
import { eventually } from '../helpers/eventually.js'
import { Receiver } from '../helpers/receiver.js'
import { apiClient, apiKey } from '../helpers/server.js'
import { postgresWorld, type World } from '../helpers/worlds.js'

let world: World
let receiver: Receiver
const servers: ServerProcess[] = []

beforeEach(async () => {
  world = await postgresWorld()
  receiver = await Receiver.start()
})

afterEach(async () => {
  for (const server of servers.splice(0)) await server.kill('SIGKILL')
  await receiver.stop()
  await world.drop()
})

async function start (role: string): Promise<ServerProcess> {
  const server = await startServerProcess({ ...world.variables, ROLE: role })
  servers.push(server)
  return server
}

async function webhook (server: ServerProcess): Promise<void> {
  const call = apiClient(server.url, await apiKey(world.variables['DATABASE_URL'] ?? '', 'demo'))
  expect((await call('POST', '/api/webhooks/outbound', { name: 'x', url: receiver.url('/hook'), events: ['task.created'] })).status).toBe(201)
}

const addTasks = async (count: number) => await world.sql()`
  insert into tasks (customer_id, title) select c.id, 'Task ' || n from generate_series(1, ${count}::int) n, (select id from customers where name = 'Acme Corp' order by id limit 1) c`

test('api and worker may be processes of their own', async () => {
  const api = await start('api')
  const call = apiClient(api.url, await apiKey(world.variables['DATABASE_URL'] ?? '', 'demo'))
  await call('POST', '/api/webhooks/outbound', { name: 'x', url: receiver.url('/hook'), events: ['task.created'] })
  expect((await call('POST', '/api/events', { event: 'task.created', data: { task_id: 't', title: 'Posted' } })).status).toBe(202)
  const worker = await start('worker')
  await receiver.requests('/hook', 1)
  expect((await fetch(`${worker.url}/health/ready`)).status).toBe(200)
  expect((await fetch(`${worker.url}/api/me`)).status).toBe(404)
})

test('of workers that start at once and race for everything, each delivery has one', async () => {
  const [first] = await Promise.all([start('all'), start('worker'), start('worker')])
  await webhook(first)
  await addTasks(2000)
  await receiver.requests('/hook', 2000)
  await eventually(async () => expect(await world.sql()`select 1 from cscx_zapier.webhook_deliveries where status <> 'delivered' limit 1`).toHaveLength(0))
  expect(receiver.received).toHaveLength(2000)
})

test('a worker that is killed is replaced at once by the one that lives', async () => {
  const [first, second] = await Promise.all([start('all'), start('worker')])
  await webhook(first)
  // Answers are held back until one worker is dead, so that both have leases in their hands.
  const held: Array<() => void> = []
  receiver.answer((_request, response) => held.push(() => response.writeHead(200).end()))
  await addTasks(1500)
  await eventually(async () => expect(await world.sql()`select distinct leased_by from cscx_zapier.webhook_deliveries where leased_by is not null`).toHaveLength(2))
  await second.kill('SIGKILL')
  receiver.answer(200)
  for (const answer of held) answer()
  await eventually(() => expect(new Set(receiver.received.map(({ envelope }) => envelope.id)).size).toBe(1500), 30_000)
})

test('all connections to the database lost: the server lives on, and nothing is sent twice but what was under way', async () => {
  const server = await start('all')
  await webhook(server)
  const held: Array<() => void> = []
  receiver.answer((_request, response) => held.push(() => response.writeHead(200).end()))
  await addTasks(20)
  await receiver.requests('/hook', 20)
  const cut = async () => await world.sql()`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and application_name = 'cscx-zapier'`
  for (let i = 0; i < 3; i++) await cut()
  // Housekeeping looks for leases of the dead every five seconds: its own must not be among them.
  await eventually(async () => {
    const [lock] = await world.sql()`select 1 from pg_locks where locktype = 'advisory' and objsubid = 2 and database = (select oid from pg_database where datname = current_database())`
    expect(lock).toBeDefined()
  })
  expect(receiver.received).toHaveLength(20)
  receiver.answer(200)
  for (const answer of held) answer()
  await eventually(async () => expect(await world.sql()`select 1 from cscx_zapier.webhook_deliveries where status = 'delivered'`).toHaveLength(20))
  await addTasks(5)
  await receiver.requests('/hook', 25)
  expect(receiver.received).toHaveLength(25)
  expect(await server.kill('SIGTERM')).toBe(0)
})
