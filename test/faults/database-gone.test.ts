import { eventually } from '../helpers/eventually.js'
import { startServerProcess, type ServerProcess } from '../helpers/process.js'
import { Proxy } from '../helpers/proxy.js'
import { Receiver } from '../helpers/receiver.js'
import { apiClient, apiKey } from '../helpers/server.js'
import { postgresWorld, type World } from '../helpers/worlds.js'

let world: World
let receiver: Receiver
let proxy: Proxy
let server: ServerProcess | undefined

beforeEach(async () => {
  world = await postgresWorld()
  receiver = await Receiver.start()
  proxy = await Proxy.start(world.variables['DATABASE_URL'] ?? '')
})

afterEach(async () => {
  await server?.kill('SIGKILL')
  await proxy.cut()
  await receiver.stop()
  await world.drop()
})

test('the database goes away twice under load: honest 503s, and nothing that was acknowledged is lost', async () => {
  const direct = world.variables['DATABASE_URL'] ?? ''
  server = await startServerProcess({ ...world.variables, DATABASE_URL: proxy.url(direct) })
  const { url } = server
  const call = apiClient(url, await apiKey(direct, 'demo'))
  await call('POST', '/api/webhooks/outbound', { name: 'x', url: receiver.url('/hook'), events: ['task.created'] })

  const acknowledged: string[] = []
  const statuses = new Set<number>()
  let isOver = false
  const producer = async () => {
    while (!isOver) {
      const { status, body } = await call('POST', '/api/events', { event: 'task.created', data: { task_id: 't', title: 'x' } })
      statuses.add(status)
      if (status === 202) acknowledged.push(String(body['id']))
    }
  }
  const producers = Promise.all(Array.from({ length: 8 }, producer))
  for (let round = 0; round < 2; round++) {
    const before = acknowledged.length
    await eventually(() => expect(acknowledged.length).toBeGreaterThan(before + 50))
    statuses.delete(503)
    await proxy.cut()
    await eventually(() => expect(statuses).toContain(503))
    await proxy.restore()
  }
  await eventually(async () => expect((await fetch(`${url}/health/ready`)).status).toBe(200))
  isOver = true
  await producers

  expect([...statuses].sort()).toEqual([202, 503])
  // A claim whose answer was lost with the connection comes back when its lease of a minute runs out.
  await eventually(() => {
    const arrived = new Set(receiver.received.map(({ envelope }) => envelope.id))
    expect(acknowledged.filter((id) => !arrived.has(id))).toEqual([])
  }, 100_000)
  expect(await server.kill('SIGTERM')).toBe(0)
}, 200_000)
