import { createPublicKey, verify as verifySignature, type JsonWebKey } from 'node:crypto'
import { dropExpiredKeys } from '../../server/outbound/index.js'
import { connect } from '../../server/db/client.js'
import type { Page } from '../../shared/pagination.js'
import type { CreatedSubscription, CreatedWebhook, DeliveryView, WebhookView } from '../../shared/webhook.js'
import type { PublicKeySet } from '../../shared/webhook-keys.js'
import { eventually } from '../helpers/eventually.js'
import { createDatabase, type TestDatabase } from '../helpers/postgres.js'
import { Receiver, verify, type ReceivedRequest } from '../helpers/receiver.js'
import { apiClient, apiKey, startTestServer, type TestServer } from '../helpers/server.js'

let database: TestDatabase
let server: TestServer
let receiver: Receiver
let call: ReturnType<typeof apiClient>

beforeAll(async () => {
  database = await createDatabase()
  receiver = await Receiver.start()
  server = await startTestServer(database.url)
  call = apiClient(server.url, await apiKey(database.url, 'demo'))
})

afterAll(async () => {
  await server.stop()
  await receiver.stop()
  await database.drop()
})

let paths = 0
async function createWebhook (more: Record<string, unknown> = {}): Promise<{ id: string, path: string, webhook: CreatedWebhook }> {
  const path = `/hook-${++paths}`
  const { status, body } = await call<CreatedWebhook>('POST', '/api/webhooks/outbound', { name: 'Test', url: receiver.url(path), events: ['task.created'], ...more })
  expect(status).toBe(201)
  return { id: body.id, path, webhook: body }
}

async function rotate (id: string, body: unknown = {}): Promise<CreatedWebhook> {
  const response = await call<CreatedWebhook>('POST', `/api/webhooks/outbound/${id}/rotate-secret`, body)
  expect(response.status).toBe(200)
  return response.body
}

const view = async (id: string) => (await call<WebhookView>('GET', `/api/webhooks/outbound/${id}`)).body

/** Raises an event, and waits for what it brings to a path. */
async function next (path: string): Promise<ReceivedRequest> {
  const count = receiver.received.filter((request) => request.path === path).length
  expect((await call('POST', '/api/events', { event: 'task.created', data: { task_id: 't', title: 'Posted' } })).status).toBe(202)
  return (await receiver.requests(path, count + 1)).at(-1)!
}

const schemesOf = ({ headers }: ReceivedRequest) => String(headers['webhook-signature']).split(' ').map((signature) => signature.split(',')[0])

/** Ends the overlap now instead of in a day. */
async function expire (id: string): Promise<void> {
  await database.sql`update cscx_zapier.outbound_webhooks
    set retired_keys = (select jsonb_agg(k || '{"expires_at":"2026-01-01T00:00:00.000Z"}') from jsonb_array_elements(retired_keys) k) where id = ${id}`
}

test('in the overlap of a rotation both secrets verify, after it only the new one', async () => {
  const { id, path, webhook: { secret: older, keys: [olderKey] } } = await createWebhook()
  verify(older, await next(path))
  const before = Date.now()
  const rotated = await rotate(id)
  expect(rotated.secret).toMatch(/^whsec_/)
  expect(rotated.secret).not.toBe(older)
  const [newKey, retired] = rotated.keys
  expect(rotated.keys).toEqual([{ id: expect.stringMatching(/^[0-9a-f]{8}$/), scheme: 'v1', expires_at: null }, { ...olderKey, expires_at: expect.any(String) }])
  const overlapMs = Date.parse(retired!.expires_at!) - before
  expect(overlapMs).toBeGreaterThanOrEqual(86_400_000)
  expect(overlapMs).toBeLessThan(86_400_000 + 60_000)

  const during = await next(path)
  verify(older, during)
  expect(verify(rotated.secret, during).signature).toBe(during.headers['x-cscx-signature'])
  await eventually(async () => {
    const [delivery] = (await call<Page<DeliveryView>>('GET', `/api/webhooks/outbound/${id}/logs?limit=1`)).body.data
    expect(delivery!.attempts[0]).toMatchObject({ key_id: `${newKey!.id} ${olderKey!.id}` })
  })

  await expire(id)
  const after = await next(path)
  verify(rotated.secret, after)
  expect(() => verify(older, after)).toThrow(/signature/i)
  expect((await view(id)).keys).toEqual([newKey])
})

test('keys that have expired are removed, those that still sign are not', async () => {
  const { id } = await createWebhook()
  await rotate(id)
  await expire(id)
  const { keys } = await rotate(id, { overlap_seconds: 60 })
  expect(keys).toHaveLength(2)
  const ours = connect(database.url, 1)
  const retired = async () => (await database.sql`select retired_keys from cscx_zapier.outbound_webhooks where id = ${id}`)[0]!['retired_keys'] as unknown[]
  try {
    expect(await retired()).toHaveLength(1)
    await dropExpiredKeys(ours.sql)
    expect(await retired()).toHaveLength(1)
    await expire(id)
    await dropExpiredKeys(ours.sql)
    expect(await retired()).toEqual([])
    expect(await dropExpiredKeys(ours.sql)).toBe(0)
  } finally {
    await ours.close()
  }
})

test('five secrets sign at once at most; a rotation without overlap ends all earlier ones', async () => {
  const { id, path, webhook } = await createWebhook()
  const secrets = [webhook.secret]
  for (let i = 0; i < 4; i++) secrets.push((await rotate(id)).secret)
  const request = await next(path)
  expect(schemesOf(request)).toEqual(Array(5).fill('v1'))
  for (const secret of secrets) verify(secret, request)
  const refused = await call('POST', `/api/webhooks/outbound/${id}/rotate-secret`, {})
  expect(refused).toMatchObject({ status: 409, body: { code: 'conflict' } })
  expect(refused.body['detail']).toContain((await view(id)).keys.at(-1)!.expires_at!)
  const last = await rotate(id, { overlap_seconds: 0 })
  expect(last.keys).toHaveLength(1)
  const after = await next(path)
  verify(last.secret, after)
  for (const secret of secrets) expect(() => verify(secret, after)).toThrow(/signature/i)
})

test('rotations at the same time lose none of the secrets', async () => {
  const { id, path, webhook } = await createWebhook()
  const rotated = await Promise.all([rotate(id), rotate(id), rotate(id)])
  const request = await next(path)
  for (const { secret } of [webhook, ...rotated]) verify(secret, request)
})

test.each([[{ overlap_seconds: -1 }], [{ overlap_seconds: 604_801 }], [{ overlap_seconds: 1.5 }], [{ overlap_seconds: '60' }]])('a rotation with %j is refused', async (body) => {
  const { id, webhook } = await createWebhook()
  const answer = await call('POST', `/api/webhooks/outbound/${id}/rotate-secret`, body)
  expect(answer).toMatchObject({ status: 422, body: { code: 'validation_failed', errors: [{ pointer: '/overlap_seconds' }] } })
  expect((await view(id)).keys).toEqual(webhook.keys)
})

test('Zapier keeps the secret that it was given: a subscription\'s is not replaced', async () => {
  const { body } = await call<CreatedSubscription>('POST', '/api/zapier/subscribe', { event: 'task.created', target_url: receiver.url('/zap') })
  expect(await call('POST', `/api/webhooks/outbound/${body.id}/rotate-secret`, {})).toMatchObject({ status: 409, body: { code: 'conflict', detail: expect.stringContaining('Zapier') } })
  verify(body.secret, await next('/zap'))
})

describe('v1a', () => {
  const publicKeys = async (id: string) => await fetch(`${server.url}/api/webhooks/outbound/${id}/public-keys`)
  const keySet = async (id: string) => (await (await publicKeys(id)).json() as PublicKeySet).keys

  /** Whether a v1a signature of a request verifies with a published key, by nothing but node:crypto. */
  function verifies ({ headers, body }: ReceivedRequest, jwk: PublicKeySet['keys'][number]): boolean {
    const key = createPublicKey({ format: 'jwk', key: jwk as JsonWebKey })
    const signed = Buffer.from(`${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`)
    return String(headers['webhook-signature']).split(' ').some((signature) => signature.startsWith('v1a,') && verifySignature(null, signed, key, Buffer.from(signature.slice(4), 'base64')))
  }

  test('signatures verify with the public key, which is served without credentials', async () => {
    const { id, path, webhook } = await createWebhook({ signature_schemes: ['v1a', 'v1'] })
    expect(webhook.signature_schemes).toEqual(['v1', 'v1a'])
    const response = await publicKeys(id)
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toBe('public, max-age=300')
    const [jwk, ...others] = (await response.json() as PublicKeySet).keys
    expect(others).toEqual([])
    expect(jwk).toEqual({ kty: 'OKP', crv: 'Ed25519', x: expect.any(String), kid: webhook.public_keys[0]!.id, use: 'sig', alg: 'EdDSA', whpk: webhook.public_keys[0]!.public_key })
    expect(Buffer.from(jwk!.whpk.replace('whpk_', ''), 'base64')).toEqual(Buffer.from(jwk!.x, 'base64url'))
    expect(webhook.keys).toEqual([{ id: expect.any(String), scheme: 'v1', expires_at: null }, { id: jwk!.kid, scheme: 'v1a', expires_at: null }])
    const request = await next(path)
    expect(schemesOf(request)).toEqual(['v1', 'v1a'])
    verify(webhook.secret, request)
    expect(verifies(request, jwk!)).toBe(true)
    expect(verifies({ ...request, body: request.body + ' ' }, jwk!)).toBe(false)
  })

  test('a rotation replaces the key too, which is served until it expires', async () => {
    const { id, path } = await createWebhook({ signature_schemes: ['v1', 'v1a'] })
    const [older] = await keySet(id)
    const rotated = await rotate(id)
    expect(rotated.public_keys).toMatchObject([{ expires_at: null }, { id: older!.kid, public_key: older!.whpk, expires_at: expect.any(String) }])
    const [newer, retired] = await keySet(id)
    expect(retired).toEqual(older)
    const during = await next(path)
    expect(schemesOf(during)).toEqual(['v1', 'v1a', 'v1', 'v1a'])
    expect([newer!, older!].map((key) => verifies(during, key))).toEqual([true, true])
    await expire(id)
    expect(await keySet(id)).toEqual([newer])
    const after = await next(path)
    expect([newer!, older!].map((key) => verifies(after, key))).toEqual([true, false])
  })

  test('is switched on and off', async () => {
    const { id, path, webhook } = await createWebhook()
    expect(webhook).toMatchObject({ signature_schemes: ['v1'], public_keys: [] })
    expect((await publicKeys(id)).status).toBe(404)
    expect(schemesOf(await next(path))).toEqual(['v1'])
    const on = (await call<WebhookView>('PUT', `/api/webhooks/outbound/${id}`, { signature_schemes: ['v1', 'v1a'] })).body
    const [key] = await keySet(id)
    expect(on.public_keys).toMatchObject([{ id: key!.kid }])
    // What has nothing to do with it leaves the key as it is.
    await call('PUT', `/api/webhooks/outbound/${id}`, { name: 'Renamed', signature_schemes: ['v1', 'v1a'] })
    expect(await keySet(id)).toEqual([key])
    expect(verifies(await next(path), key!)).toBe(true)
    await rotate(id)
    const off = (await call<WebhookView>('PUT', `/api/webhooks/outbound/${id}`, { signature_schemes: ['v1'] })).body
    expect(off.keys.map(({ scheme }) => scheme)).toEqual(['v1', 'v1'])
    expect((await publicKeys(id)).status).toBe(404)
    const request = await next(path)
    expect(schemesOf(request)).toEqual(['v1', 'v1'])
    verify(webhook.secret, request)
  })

  test('there are no public keys of what is not there', async () => {
    const { id } = await createWebhook({ signature_schemes: ['v1', 'v1a'] })
    await call('DELETE', `/api/webhooks/outbound/${id}`)
    for (const gone of [id, '019c0932-1a80-7000-8000-5a9f1e6d2c31', 'nonsense']) expect((await publicKeys(gone)).status).toBe(404)
  })
})

test('neither database nor answers hold a key in the clear', async () => {
  const { id, webhook } = await createWebhook({ signature_schemes: ['v1', 'v1a'] })
  const rotated = await rotate(id)
  const answers = [await call('GET', `/api/webhooks/outbound/${id}`), await call('GET', '/api/webhooks/outbound?limit=100'), await call('PUT', `/api/webhooks/outbound/${id}`, { name: 'Renamed' })]
  for (const { status, body } of answers) {
    expect(status).toBe(200)
    expect(JSON.stringify(body)).not.toMatch(/whsec_|whsk_/)
  }
  expect(JSON.stringify(rotated).match(/whsec_|whsk_/g)).toEqual(['whsec_'])
  const [row] = await database.sql`select to_jsonb(w)::text as text from cscx_zapier.outbound_webhooks w where id = ${id}`
  expect(row!['text']).not.toMatch(/whsec_|whsk_/)
  for (const secret of [webhook.secret, rotated.secret]) expect(row!['text']).not.toContain(secret.slice('whsec_'.length))
})

test('secrets are rotated by their tenant only, with the scope to write', async () => {
  const { id, webhook } = await createWebhook()
  const theirs = apiClient(server.url, await apiKey(database.url, 'northwind'))
  const reader = apiClient(server.url, await apiKey(database.url, 'demo', ['webhooks:read']))
  expect((await theirs('POST', `/api/webhooks/outbound/${id}/rotate-secret`, {})).status).toBe(404)
  expect((await reader('POST', `/api/webhooks/outbound/${id}/rotate-secret`, {})).status).toBe(403)
  expect((await view(id)).keys).toEqual(webhook.keys)
})
