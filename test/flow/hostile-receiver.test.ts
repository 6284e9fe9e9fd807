import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import type { DeliveryView, WebhookView } from '../../shared/webhook.js'
import type { Page } from '../../shared/pagination.js'
import { eventually } from '../helpers/eventually.js'
import { createDatabase, type TestDatabase } from '../helpers/postgres.js'
import { Receiver } from '../helpers/receiver.js'
import { apiClient, apiKey, startTestServer, type TestServer } from '../helpers/server.js'

/** Receivers that behave badly: none of them may lose a delivery, stop the others, or get more than its due. */
let database: TestDatabase
let server: TestServer
let receiver: Receiver
let call: ReturnType<typeof apiClient>

beforeAll(async () => {
  database = await createDatabase()
  receiver = await Receiver.start()
  server = await startTestServer(database.url, { RETRY_SCHEDULE: '50ms' })
  call = apiClient(server.url, await apiKey(database.url, 'demo'))
})

afterAll(async () => {
  await server.stop()
  await receiver.stop()
  await database.drop()
})

/** Sends one event to a URL and waits until its delivery is decided. */
async function deliverTo (url: string): Promise<DeliveryView> {
  const { body: webhook } = await call<WebhookView>('POST', '/api/webhooks/outbound', { name: 'Hostile', url, events: ['task.created'] })
  await call('POST', '/api/events', { event: 'task.created', data: { task_id: 't', title: 'x' } })
  const delivery = await eventually(async () => {
    const [found] = (await call<Page<DeliveryView>>('GET', `/api/webhooks/outbound/${webhook.id}/logs`)).body.data
    expect(found?.status).not.toBe('pending')
    expect(found).toBeDefined()
    return found!
  })
  await call('DELETE', `/api/webhooks/outbound/${webhook.id}`)
  return delivery
}

test('a body of any bytes, NUL among them, is recorded', async () => {
  receiver.answer((_request, response) => response.writeHead(200).end(Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))))
  expect(await deliverTo(receiver.url('/bytes'))).toMatchObject({ status: 'delivered', response_body: expect.stringContaining('ABC') })
})

test('an endless body is read up to the cap, and not a byte more is kept', async () => {
  receiver.answer((_request, response) => {
    response.writeHead(200)
    const write = () => { while (!response.destroyed && response.write('x'.repeat(65_536))); }
    response.on('drain', write)
    write()
  })
  const { id, status } = await deliverTo(receiver.url('/endless'))
  expect(status).toBe('delivered')
  expect(await database.sql`select length(response_body) from cscx_zapier.delivery_attempts where delivery_id = ${id}`).toEqual([{ length: 16 * 1024 }])
})

test('a redirect is an answer like any other, and is not followed', async () => {
  const followed: string[] = []
  receiver.answer((request, response) => {
    followed.push(request.path)
    response.writeHead(302, { location: receiver.url('/elsewhere') }).end()
  })
  expect(await deliverTo(receiver.url('/redirect'))).toMatchObject({ status: 'dead_letter', error: 'http_302' })
  expect(followed).not.toContain('/elsewhere')
})

describe('below HTTP', () => {
  let tcp: Server
  let onConnection: (socket: Socket) => void

  beforeAll(async () => {
    tcp = createTcpServer((socket) => {
      socket.on('error', () => {})
      onConnection(socket)
    }).listen(0, '127.0.0.1')
    await once(tcp, 'listening')
  })

  afterAll(() => { tcp.close() })

  const url = () => `http://127.0.0.1:${(tcp.address() as AddressInfo).port}/`

  test.each([
    ['resets', (socket: Socket) => socket.resetAndDestroy(), 'connection_reset'],
    ['speaks no HTTP', (socket: Socket) => socket.end('220 mail.example.com ESMTP\r\n'), 'invalid_response'],
    ['has headers without end', (socket: Socket) => socket.write(`HTTP/1.1 200 OK\r\nX-Long: ${'a'.repeat(100_000)}`), 'invalid_response'],
    ['ends before its answer does', (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'), 'connection_reset']
  ])('a receiver that %s is retried, then a dead letter', async (_name, behave, error) => {
    onConnection = behave
    const delivery = await deliverTo(url())
    expect(delivery).toMatchObject({ status: 'dead_letter', error })
    expect(delivery.attempts).toHaveLength(2)
  })

  test('nobody there', async () => {
    const gone = createTcpServer().listen(0, '127.0.0.1')
    await once(gone, 'listening')
    const { port } = gone.address() as AddressInfo
    gone.close()
    await once(gone, 'close')
    expect(await deliverTo(`http://127.0.0.1:${port}/`)).toMatchObject({ status: 'dead_letter', error: 'connection_failed' })
  })
})
