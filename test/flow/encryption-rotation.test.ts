import { createPublicKey, verify as verifySignature } from 'node:crypto'
import { createKeyRing } from '../../server/auth/index.js'
import type { CreatedWebhook } from '../../shared/webhook.js'
import { createDatabase, type TestDatabase } from '../helpers/postgres.js'
import { Receiver, verify, type ReceivedRequest } from '../helpers/receiver.js'
import { apiClient, apiKey, startTestServer } from '../helpers/server.js'

const [older, newer] = ['an older key of at least 32 characters', 'a newer key of at least 32 characters!']

let database: TestDatabase
let receiver: Receiver

beforeEach(async () => {
  database = await createDatabase()
  receiver = await Receiver.start()
})

afterEach(async () => {
  await receiver.stop()
  await database.drop()
})

/** Runs the product with encryption keys, for as long as something is done with it. */
async function withServer<T> (encryptionKeys: string, work: (call: ReturnType<typeof apiClient>) => Promise<T>): Promise<T> {
  const server = await startTestServer(database.url, { ENCRYPTION_KEY: encryptionKeys })
  try {
    return await work(apiClient(server.url, await apiKey(database.url, 'demo')))
  } finally {
    await server.stop()
  }
}

/** A webhook with everything that is encrypted: a header, a secret and an ed25519 key, and one of each that a rotation has replaced. */
async function createWebhook (): Promise<{ id: string, secrets: string[], publicKeys: string[] }> {
  return await withServer(older, async (call) => {
    const { body } = await call<CreatedWebhook>('POST', '/api/webhooks/outbound',
      { name: 'x', url: receiver.url('/hook'), events: ['task.created'], headers: { Authorization: 'Bearer sesame' }, signature_schemes: ['v1', 'v1a'] })
    const rotated = await call<CreatedWebhook>('POST', `/api/webhooks/outbound/${body.id}/rotate-secret`, {})
    return { id: body.id, secrets: [rotated.body.secret, body.secret], publicKeys: rotated.body.public_keys.map((key) => key.public_key) }
  })
}

async function requestOf (id: string, encryptionKeys: string): Promise<ReceivedRequest> {
  return await withServer(encryptionKeys, async (call) => {
    expect((await call('POST', `/api/webhooks/outbound/${id}/test`, {})).status).toBe(200)
    return (await receiver.requests('/hook')).at(-1)!
  })
}

function expectWhole (request: ReceivedRequest, { secrets, publicKeys }: { secrets: string[], publicKeys: string[] }): void {
  expect(request.headers.authorization).toBe('Bearer sesame')
  for (const secret of secrets) verify(secret, request)
  const signed = Buffer.from(`${String(request.headers['webhook-id'])}.${String(request.headers['webhook-timestamp'])}.${request.body}`)
  const signatures = String(request.headers['webhook-signature']).split(' ').filter((signature) => signature.startsWith('v1a,'))
  expect(publicKeys).toHaveLength(2)
  for (const [i, text] of publicKeys.entries()) {
    const key = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(text.slice('whpk_'.length), 'base64').toString('base64url') } })
    expect(verifySignature(null, signed, key, Buffer.from(signatures[i]!.slice('v1a,'.length), 'base64'))).toBe(true)
  }
}

/** The encryption keys that a webhook's row is sealed with. */
async function sealedWith (id: string): Promise<Set<string>> {
  const [row] = await database.sql`select to_jsonb(w)::text as text from cscx_zapier.outbound_webhooks w where id = ${id}`
  return new Set([...(row!['text'] as string).matchAll(/"v1\.([0-9a-f]{8})\./g)].map((match) => match[1]!))
}

test('a new encryption key takes over at the next start, and the old one may then go', async () => {
  const webhook = await createWebhook()
  await expect(startTestServer(database.url, { ENCRYPTION_KEY: newer })).rejects.toThrow(/ENCRYPTION_KEY/)
  await withServer(`${newer},${older}`, async () => {})
  expect(await sealedWith(webhook.id)).toEqual(new Set([createKeyRing([newer]).keyId]))
  expectWhole(await requestOf(webhook.id, newer), webhook)
})

test.each(['secret', 'headers', 'ed25519_key', 'retired_keys'])('also where only %s is still sealed with the old one', async (column) => {
  const webhook = await createWebhook()
  const [old] = await database.sql`select to_jsonb(w) -> ${column} as value from cscx_zapier.outbound_webhooks w where id = ${webhook.id}`
  await withServer(`${newer},${older}`, async () => {})
  const value = old!['value'] as unknown
  await database.sql`update cscx_zapier.outbound_webhooks set ${database.sql(column)} = ${typeof value === 'string' ? value : database.sql.json(value as object as never)} where id = ${webhook.id}`
  expect((await sealedWith(webhook.id)).size).toBe(2)
  await withServer(`${newer},${older}`, async () => {})
  expect(await sealedWith(webhook.id)).toEqual(new Set([createKeyRing([newer]).keyId]))
  expectWhole(await requestOf(webhook.id, newer), webhook)
})
