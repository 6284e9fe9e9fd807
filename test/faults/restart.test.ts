import type { CreatedWebhook } from '../../shared/webhook.js'
import type { z } from 'zod'
import { startServerProcess, type ServerProcess } from '../helpers/process.js'
import { Receiver, verify } from '../helpers/receiver.js'
import { apiClient, apiKey } from '../helpers/server.js'
import { worlds, type World } from '../helpers/worlds.js'

type Created = z.infer<typeof CreatedWebhook>

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
})
