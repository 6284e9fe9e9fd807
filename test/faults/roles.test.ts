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

const addTasks = async (count: number) => await world.sql()`
  insert into tasks (customer_id, title) select c.id, 'Task ' || n from generate_series(1, ${count}::int) n, (select id from customers where name = 'Acme Corp' order by id limit 1) c`

test('api and worker may be processes of their own', async () => {
  const api = await start('api')
  const call = apiClient(api.url, await apiKey(world.variables['DATABASE_URL'] ?? '', 'demo'))
  await call('POST', '/api/webhooks/outbound', { name: 'x', url: receiver.url('/hook'), events: ['task.created'] })
  expect((await call('POST', '/api/events', { event: 'task.created', data: { task_id: 't', title: 'Posted' } })).status).toBe(202)
  expect(receiver.received).toHaveLength(0)
  const worker = await start('worker')
  await receiver.requests('/hook', 1)
  expect((await fetch(`${worker.url}/health/ready`)).status).toBe(200)
  expect((await fetch(`${worker.url}/api/me`)).status).toBe(404)
})

test('of workers that start at once and race for everything, each delivery has one; one that is killed is replaced', async () => {
  const [first] = await Promise.all([start('all'), start('worker'), start('worker')])
  const call = apiClient(first.url, await apiKey(world.variables['DATABASE_URL'] ?? '', 'demo'))
  await call('POST', '/api/webhooks/outbound', { name: 'x', url: receiver.url('/hook'), events: ['task.created'] })
  await addTasks(2000)
  await receiver.requests('/hook', 2000)
  await eventually(async () => expect(await world.sql()`select 1 from cscx_zapier.webhook_deliveries where status <> 'delivered' limit 1`).toHaveLength(0))
  expect(receiver.received).toHaveLength(2000)
  // The receiver takes its time, so that the worker dies with leases in its hands; the others give them out again.
  receiver.answer((_request, response) => { setTimeout(() => response.writeHead(200).end(), 50) })
  await addTasks(1000)
  await receiver.requests('/hook', 2100)
  await servers[1]?.kill('SIGKILL')
  await eventually(() => expect(new Set(receiver.received.map(({ envelope }) => envelope.id)).size).toBe(3000), 30_000)
}, 120_000)
