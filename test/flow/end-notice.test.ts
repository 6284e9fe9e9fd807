import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { addressPolicy } from '../../server/outbound/sending/address-policy.js'
import { createSender, type Sender } from '../../server/outbound/sending/sender.js'
import { sendEndNotices } from '../../server/outbound/webhooks/end-notices.js'
import { endWebhook } from '../../server/outbound/webhooks/end-webhook.js'
import { ORGANIZATION, WebhooksWorkbench, type WebhookOptions } from './webhooks-workbench.js'

let bench: WebhooksWorkbench
let sender: Sender
let zapier: Server
/** Method and path of what Zapier was sent. */
let requests: string[]
let answer: (request: IncomingMessage, response: ServerResponse) => void

beforeAll(async () => {
  bench = await WebhooksWorkbench.open()
  sender = createSender(addressPolicy(['127.0.0.0/8']), 4)
  zapier = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    answer(request, response)
  })
  await new Promise<void>((resolve) => zapier.listen(0, '127.0.0.1', resolve))
})

afterAll(async () => {
  await sender.close()
  zapier.closeAllConnections()
  await new Promise((resolve) => zapier.close(resolve))
  await bench.drop()
})

beforeEach(async () => {
  requests = []
  answer = (_request, response) => response.writeHead(200).end('{"status":"success"}')
  await bench.clear()
})

const hookUrl = (path: string) => `http://127.0.0.1:${(zapier.address() as AddressInfo).port}${path}`

async function ended (options: WebhookOptions & { tellReceiver?: boolean } = {}): Promise<string> {
  const { tellReceiver = true, ...rest } = options
  const id = await bench.webhook({ kind: 'zapier', url: hookUrl('/hooks/1?a=b'), ...rest })
  expect(await bench.database.sql.begin(async (tx) => await endWebhook(tx, ORGANIZATION, id, { tellReceiver }))).toBe(true)
  return id
}

const send = async () => await sendEndNotices(bench.database, sender)
const makeDue = async () => await bench.sql`update cscx_zapier.outbound_webhooks set end_notice_at = now() where end_notice_at is not null`

/** How long until the next try, in minutes; null when there is none. */
async function minutesLeft (id: string): Promise<number | null> {
  const [row] = await bench.sql<[{ minutes: number | null }]>`select extract(epoch from end_notice_at - now())::float8 / 60 as minutes from cscx_zapier.outbound_webhooks where id = ${id}`
  return row.minutes
}

test('Zapier is told once of a subscription that we ended', async () => {
  const id = await ended()
  let headers: IncomingMessage['headers'] = {}
  answer = (request, response) => {
    headers = request.headers
    response.writeHead(200).end()
  }
  expect(await send()).toEqual({ tried: 1, givenUp: [] })
  expect(requests).toEqual(['DELETE /hooks/1?a=b'])
  expect(headers).toMatchObject({ 'user-agent': expect.stringMatching(/^CSCX-Webhooks\//) })
  expect(await minutesLeft(id)).toBeNull()
  expect(await send()).toEqual({ tried: 0, givenUp: [] })
})

test('it is told nothing where it ended the subscription itself, and no other receiver is told anything', async () => {
  await ended({ tellReceiver: false })
  await ended({ kind: 'custom' })
  expect(await send()).toEqual({ tried: 0, givenUp: [] })
  expect(requests).toEqual([])
})

test('a subscription that has ended already is not ended again for Zapier to be told', async () => {
  const id = await ended({ tellReceiver: false })
  expect(await bench.database.sql.begin(async (tx) => await endWebhook(tx, ORGANIZATION, id, { tellReceiver: true }))).toBe(false)
  expect(await send()).toEqual({ tried: 0, givenUp: [] })
})

test.each([204, 404, 410])('%i says that it knows', async (status) => {
  const id = await ended()
  answer = (_request, response) => response.writeHead(status).end()
  await send()
  expect(await minutesLeft(id)).toBeNull()
})

test.each<[name: string, answer: typeof answer, error: string]>([
  ['500', (_request, response) => response.writeHead(500).end(), 'http_500'],
  ['a redirect, which is not followed', (_request, response) => response.writeHead(302, { location: '/elsewhere' }).end(), 'http_302'],
  ['a broken connection', (request) => request.socket.destroy(), 'connection_reset']
])('after %s it is tried again, five times with growing waits, and then given up', async (_name, how, error) => {
  const id = await ended()
  answer = how
  const waits: Array<number | null> = []
  for (let tries = 1; tries <= 5; tries++) {
    expect(await send()).toEqual({ tried: 1, givenUp: tries < 5 ? [] : [{ webhookId: id, error }] })
    const left = await minutesLeft(id)
    waits.push(left === null ? null : Math.ceil(left))
    expect(await send()).toEqual({ tried: 0, givenUp: [] })
    await makeDue()
  }
  expect(waits).toEqual([1, 10, 60, 360, null])
  expect(await send()).toEqual({ tried: 0, givenUp: [] })
  expect(requests).toEqual(Array(5).fill('DELETE /hooks/1?a=b'))
})

test('a Retry-After is waited for, up to a day', async () => {
  const patient = await ended()
  const endless = await ended({ url: hookUrl('/endless') })
  answer = (request, response) => response.writeHead(429, { 'retry-after': request.url === '/endless' ? '99999999' : '1800' }).end()
  await send()
  expect(Math.ceil(await minutesLeft(patient) ?? 0)).toBe(30)
  expect(Math.ceil(await minutesLeft(endless) ?? 0)).toBe(24 * 60)
})

test('a process that dies while it tells leaves the next try to others', async () => {
  const id = await ended()
  const dying: Sender = { ...sender, send: async () => { throw new Error('killed') } }
  await expect(sendEndNotices(bench.database, dying)).rejects.toThrow('killed')
  expect(Math.ceil(await minutesLeft(id) ?? 0)).toBe(1)
  await makeDue()
  expect(await send()).toEqual({ tried: 1, givenUp: [] })
  expect(requests).toHaveLength(1)
  expect(await minutesLeft(id)).toBeNull()
})

test('what could not be sent, for want of a connection, is no try', async () => {
  const id = await ended()
  const busy: Sender = { ...sender, send: async () => ({ kind: 'unsent', durationMs: 8_000 }) }
  for (let round = 0; round < 6; round++) {
    expect(await sendEndNotices(bench.database, busy)).toEqual({ tried: 1, givenUp: [] })
    await makeDue()
  }
  expect(await send()).toEqual({ tried: 1, givenUp: [] })
  expect(await minutesLeft(id)).toBeNull()
})

test('two processes tell each once, a bounded number at a time', async () => {
  for (let n = 0; n < 45; n++) await ended({ url: hookUrl(`/hooks/${n}`) })
  const rounds = [...await Promise.all([send(), send()]), await send(), await send()]
  expect(rounds.map(({ tried }) => tried)).toEqual([20, 20, 5, 0])
  expect(requests).toHaveLength(45)
  expect(new Set(requests).size).toBe(45)
})

test('the address is judged as for any other request', async () => {
  const id = await ended()
  const strict = createSender(addressPolicy([]), 1)
  await sendEndNotices(bench.database, strict)
  await strict.close()
  expect(requests).toEqual([])
  expect(await minutesLeft(id)).toBeGreaterThan(0)
  expect(await minutesLeft(id)).toBeLessThanOrEqual(1)
})
