import type { RedeliverySummary, RedeliveryView } from '../../shared/redelivery.js'
import type { WebhookView } from '../../shared/webhook.js'
import { seedDeliveries } from '../helpers/deliveries.js'
import { eventually } from '../helpers/eventually.js'
import { startServerProcess, type ServerProcess } from '../helpers/process.js'
import { Receiver } from '../helpers/receiver.js'
import { apiClient, apiKey } from '../helpers/server.js'
import { worlds, type World } from '../helpers/worlds.js'

const COUNT = 300
const PER_SECOND = 100
/** What two steps at this pace make due: a receiver that answers within 30 ms never has more under way. */
const IN_FLIGHT_MAX = PER_SECOND

describe.each(worlds)('on %s', (_name, openWorld) => {
  let world: World
  let receiver: Receiver
  let server: ServerProcess | undefined

  beforeEach(async () => {
    world = await openWorld()
    receiver = await Receiver.start()
    receiver.answer((_request, response) => { setTimeout(() => response.writeHead(200).end(), 30) })
  })

  afterEach(async () => {
    await server?.kill('SIGKILL')
    await receiver.stop()
    await world.drop()
  })

  async function start (): Promise<ServerProcess> {
    server = await startServerProcess(world.variables)
    return server
  }

  test('kill -9 in the middle of a redelivery, twice: all are redelivered, and it knows', async () => {
    const first = await start()
    const key = /cscx_live_\w+/.exec(first.output())?.[0] ?? await apiKey(world.variables['DATABASE_URL'] ?? '', 'demo')
    const { body: { id: webhookId } } = await apiClient(first.url, key)<WebhookView>('POST', '/api/webhooks/outbound', { name: 'Faults', url: receiver.url('/hook'), events: ['task.created'] })
    const letters = await seedDeliveries(world.sql(), { webhookId, count: COUNT, status: 'dead_letter' })
    const { status, body: { data: [job] } } = await apiClient(first.url, key)<{ data: RedeliverySummary[] }>('POST', '/api/redeliveries', { webhook_id: webhookId, per_second: PER_SECOND })
    expect(status).toBe(202)
    for (const enough of [COUNT / 6, COUNT / 2]) {
      await receiver.requests('/hook', enough)
      await server?.kill('SIGKILL')
      expect(new Set(receiver.received.map(({ envelope }) => envelope.id)).size).toBeLessThan(COUNT)
      await start()
    }
    const call = apiClient(server?.url ?? '', key)
    await eventually(async () => {
      const { body } = await call<RedeliveryView>('GET', `/api/redeliveries/${job!.id}`)
      expect(body).toMatchObject({ status: 'done', total: COUNT, released: COUNT, delivered: COUNT, failed: 0, pending: 0 })
    }, 90_000)
    const received = receiver.received.map(({ headers }) => headers['webhook-id'] as string)
    expect([...new Set(received)].sort()).toEqual(letters.map(({ eventId }) => eventId).sort())
    expect(received.length - COUNT).toBeLessThanOrEqual(2 * IN_FLIGHT_MAX)
  }, 150_000)
})
