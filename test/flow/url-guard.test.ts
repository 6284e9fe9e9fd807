import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import pino from 'pino'
import { buildApp } from '../../server/app.js'
import { loadKeyRing } from '../../server/auth/index.js'
import { CscxSchema } from '../../server/cscx/tables.js'
import { openDatabase, type OpenDatabase } from '../../server/db/open.js'
import { Ingest, sendEndNotices } from '../../server/outbound/index.js'
import { addressPolicy } from '../../server/outbound/sending/address-policy.js'
import { dnsLookup } from '../../server/outbound/sending/resolve.js'
import { createSender, type Sender } from '../../server/outbound/sending/sender.js'
import { DnsServer } from '../helpers/dns.js'
import { createDatabase, type TestDatabase } from '../helpers/postgres.js'
import { apiClient, apiKey } from '../helpers/server.js'
import { onRequest, TcpServer } from '../helpers/tcp.js'

/** Wherever a user's URL is fetched, a name that resolves into a private network is not connected to. */
let testDatabase: TestDatabase
let opened: OpenDatabase
let dataDir: string
let internal: TcpServer
let dns: DnsServer
let sender: Sender
let app: FastifyInstance
let call: ReturnType<typeof apiClient>

beforeAll(async () => {
  testDatabase = await createDatabase()
  dataDir = mkdtempSync(join(tmpdir(), 'cscx-guard-'))
  opened = await openDatabase({ databaseUrl: testDatabase.url, dataDir })
  internal = await TcpServer.start((socket) => onRequest(socket, () => socket.write('HTTP/1.1 204 No Content\r\n\r\n')), { host: '127.0.0.2' })
  dns = await DnsServer.start(() => ['127.0.0.2'])
  // The subnet that is open is not the one that the name leads to.
  const addresses = addressPolicy(['127.0.0.1/32'])
  sender = createSender(addresses, 4, { lookup: dnsLookup([dns.address]) })
  const { database } = opened
  const schema = new CscxSchema(database.sql)
  await schema.refresh()
  app = await buildApp({
    database,
    keyRing: loadKeyRing([], dataDir),
    urlPolicy: { addresses, allowHttp: true },
    schema,
    sender,
    ingest: new Ingest(database.sql),
    isReady: () => true
  }, 'api', pino({ level: 'silent' }))
  call = apiClient(await app.listen({ host: '127.0.0.1', port: 0 }), await apiKey(testDatabase.url, 'demo'))
})

afterAll(async () => {
  await app.close()
  await sender.close()
  await Promise.all([internal.stop(), dns.stop()])
  await opened.close()
  await testDatabase.drop()
  rmSync(dataDir, { recursive: true, force: true })
})

const url = (name: string) => `http://${name}.example.com:${internal.port}/`

test('the test button', async () => {
  const { body: webhook } = await call<{ id: string }>('POST', '/api/webhooks/outbound', { name: 'Inside', url: url('button'), events: ['task.created'] })
  const { status, body } = await call('POST', `/api/webhooks/outbound/${webhook.id}/test`, {})
  expect(status).toBe(200)
  expect(JSON.stringify(body)).toContain('blocked_address')
  expect(dns.asked).toEqual(['button.example.com'])
  expect(internal.connections).toBe(0)
})

test('the notice to Zapier that a subscription has ended', async () => {
  const { sql } = opened.database
  const { body: subscription } = await call<{ id: string }>('POST', '/api/zapier/subscribe', { event: 'task.created', target_url: url('notice') })
  await sql`update cscx_zapier.outbound_webhooks set end_notice_at = now() where id = ${subscription.id}`
  expect(await sendEndNotices(opened.database, sender)).toMatchObject({ tried: 1 })
  expect(dns.asked).toContain('notice.example.com')
  expect(internal.connections).toBe(0)
})
