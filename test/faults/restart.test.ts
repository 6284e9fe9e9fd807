import type { CreatedWebhook } from '../../shared/webhook.js'
import type { z } from 'zod'
import { eventually } from '../helpers/eventually.js'
import { startServerProcess, type ServerProcess } from '../helpers/process.js'
import { Receiver, verify } from '../helpers/receiver.js'
import { apiClient, apiKey } from '../helpers/server.js'
import { worlds, type World } from '../helpers/worlds.js'

type Created = z.infer<typeof CreatedWebhook>

/** Deliveries that one process has under way at most: what kill -9 may make come twice. */
const IN_FLIGHT_MAX = 512

describe.each(worlds)('on %s', (_name, openWorld) => {
  let world: World
  let receiver: Receiver
  let server: ServerProcess | undefined

  beforeEach(async () => {
    world = await openWorld()
    receiver = await Receiver.start()
  })

  afterEach(async () => {
    await server?.kill('SIGKILL')
    await receiver.stop()
    await world.drop()
  })

  async function start (variables: Record<string, string> = {}): Promise<ServerProcess> {
    server = await startServerProcess({ ...world.variables, ...variables })
    return server
  }

  async function keyOf ({ output }: ServerProcess): Promise<string> {
    const printed = /cscx_live_\w+/.exec(output())?.[0]
    return printed ?? await apiKey(world.variables['DATABASE_URL'] ?? '', 'demo')
  }

  async function createWebhook (running: ServerProcess, event: string): Promise<Created> {
    const { status, body } = await apiClient(running.url, await keyOf(running))<Created>('POST', '/api/webhooks/outbound', { name: 'Faults', url: receiver.url('/hook'), events: [event] })
    expect(status).toBe(201)
    return body
  }

  test('a change made by a plain SQL client arrives as one signed POST', async () => {
    const webhook = await createWebhook(await start(), 'health_score.changed')
    await world.sql()`update customers set health_score = 62 where name = 'Acme Corp'`
    const [request] = await receiver.requests('/hook')
    expect(verify(webhook.secret, request!)).toMatchObject({ event: 'health_score.changed', data: { customer_name: 'Acme Corp', new_score: 62 } })
    expect(await server?.kill('SIGTERM')).toBe(0)
    expect(receiver.received).toHaveLength(1)
  })

  test('a retry that was due after a restart still comes, with the same id', async () => {
    const webhook = await createWebhook(await start({ RETRY_SCHEDULE: '6s,1h' }), 'health_score.changed')
    receiver.answer(500)
    await world.sql()`update customers set health_score = 61 where name = 'Acme Corp'`
    const [first] = await receiver.requests('/hook')
    expect(await server?.kill('SIGTERM')).toBe(0)
    expect(receiver.received).toHaveLength(1)
    receiver.answer(200)
    await start({ RETRY_SCHEDULE: '6s,1h' })
    const [, second] = await receiver.requests('/hook', 2)
    expect(verify(webhook.secret, second!).id).toBe(first!.envelope.id)
  })

  test('kill -9 with 1,000 events under way: every event arrives, and what comes twice has the same id', async () => {
    await createWebhook(await start(), 'task.created')
    receiver.answer((_request, response) => { setTimeout(() => response.writeHead(200).end(), 30) })
    await world.sql()`insert into tasks (customer_id, title) select c.id, 'Task ' || n from generate_series(1, 1000) n, (select id from customers where name = 'Acme Corp' limit 1) c`
    await receiver.requests('/hook', 50)
    await server?.kill('SIGKILL')
    const before = receiver.received.length
    expect(before).toBeLessThan(1000)
    await start()
    await eventually(() => expect(new Set(receiver.received.map(({ envelope }) => envelope.data['title'])).size).toBe(1000), 50_000)
    const idsByTitle = new Map<unknown, Set<string>>()
    for (const { envelope } of receiver.received) {
      const { title } = envelope.data
      idsByTitle.set(title, (idsByTitle.get(title) ?? new Set()).add(envelope.id))
    }
    expect([...idsByTitle.values()].filter((ids) => ids.size !== 1)).toEqual([])
    expect(receiver.received.length - 1000).toBeLessThanOrEqual(IN_FLIGHT_MAX)
  }, 120_000)
})
