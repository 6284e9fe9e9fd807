import { createHash, generateKeyPairSync, verify } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { createKeyRing } from '../../server/auth/index.js'
import { composeRequest, keptHeaders, openRecipient, sentHeaders, type OutgoingRequest, type SealedRecipient } from '../../server/outbound/sending/compose.js'
import { formatPrivateKey, formatPublicKey, formatSecret, signLegacy } from '../../shared/signature.js'

const ring = createKeyRing(['a key of at least thirty-two characters'])
const event = { id: '019c0932-1a80-7000-8000-5a9f1e6d2c31', event: 'task.created', timestamp: '2026-01-29T10:00:00.000Z', dataJson: '{"title":"Übung \\"x\\"","n":1}' }
const DELIVERY = '019c0932-1a80-7000-8000-000000000001'
const newest = formatSecret(Buffer.alloc(32, 1))
const older = formatSecret(Buffer.alloc(32, 2))
const nowSeconds = Math.floor(Date.now() / 1_000)
const isoIn = (seconds: number) => new Date((nowSeconds + seconds) * 1_000).toISOString()
const idOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 8)

function sealed (more: Partial<SealedRecipient> = {}): SealedRecipient {
  return { url: 'https://hooks.example.com:8443/in?team=1', secret: ring.seal(newest), headers: {}, ed25519Key: null, retiredKeys: [], ...more }
}

function compose (recipient: SealedRecipient, timestampSeconds = nowSeconds): { request: OutgoingRequest, headers: Record<string, string> } {
  const request = composeRequest(event, DELIVERY, openRecipient(ring, recipient), timestampSeconds)
  const headers: Record<string, string> = {}
  for (let i = 0; i < request.headers.length; i += 2) headers[request.headers[i]!] = request.headers[i + 1]!
  return { request, headers }
}

/** The signatures of a request that Standard Webhooks' own package accepts with a secret alone. */
function accepted (secret: string, { request, headers }: ReturnType<typeof compose>): boolean[] {
  return headers['webhook-signature']!.split(' ').map((signature) => {
    try {
      new Webhook(secret).verify(request.body, { ...headers, 'webhook-signature': signature })
      return true
    } catch {
      return false
    }
  })
}

test('a request goes to the URL\'s origin and path, with the custom headers and ours', () => {
  const { request, headers } = compose(sealed({ headers: { 'X-Team': ring.seal('success') } }))
  expect(request).toMatchObject({ method: 'POST', origin: 'https://hooks.example.com:8443', path: '/in?team=1', keyId: idOf(newest) })
  expect(request.headers.slice(0, 6)).toEqual(['X-Team', 'success', 'content-type', 'application/json', 'user-agent', 'CSCX-Webhooks/1.0'])
  expect(headers).toMatchObject({ 'webhook-id': event.id, 'webhook-timestamp': String(nowSeconds), 'x-cscx-event': 'task.created', 'x-cscx-delivery': DELIVERY })
  expect(JSON.parse(request.body)).toEqual({ id: event.id, event: event.event, timestamp: event.timestamp, data: { title: 'Übung "x"', n: 1 }, signature: headers['x-cscx-signature'] })
  expect(accepted(newest, { request, headers })).toEqual([true])
})

test('in an overlap every key signs, newest first; CSCX\'s own signature is by the newest', () => {
  const composed = compose(sealed({ retiredKeys: [{ key: ring.seal(older), expires_at: isoIn(60) }] }))
  expect(accepted(newest, composed)).toEqual([true, false])
  expect(accepted(older, composed)).toEqual([false, true])
  expect(composed.request.keyId).toBe(`${idOf(newest)} ${idOf(older)}`)
  const { event: name, timestamp, data } = JSON.parse(composed.request.body) as Record<string, unknown>
  expect(composed.headers['x-cscx-signature']).toBe(signLegacy(newest, JSON.stringify({ event: name, timestamp, data })))
})

test('a retired key signs until the second in which it expires, judged at the time of the attempt', () => {
  const recipient = openRecipient(ring, sealed({ retiredKeys: [{ key: ring.seal(older), expires_at: isoIn(60) }] }))
  const idsAt = (seconds: number) => composeRequest(event, DELIVERY, recipient, nowSeconds + seconds).keyId.split(' ')
  expect(idsAt(59)).toEqual([idOf(newest), idOf(older)])
  expect(idsAt(60)).toEqual([idOf(newest)])
})

test('v1a signatures stand beside v1 and verify with the public key', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const { request, headers } = compose(sealed({ ed25519Key: ring.seal(formatPrivateKey(privateKey)) }))
  const [v1, v1a] = headers['webhook-signature']!.split(' ')
  expect(v1).toMatch(/^v1,/)
  expect(v1a).toMatch(/^v1a,/)
  expect(verify(null, Buffer.from(`${event.id}.${nowSeconds}.${request.body}`), publicKey, Buffer.from(v1a!.slice(4), 'base64'))).toBe(true)
  expect(request.keyId).toBe(`${idOf(newest)} ${idOf(formatPublicKey(publicKey))}`)
})

test('headers are shown as they were sent, but for credentials', () => {
  const recipient = openRecipient(ring, sealed({ headers: { Authorization: ring.seal('Bearer sesame'), 'X-Note': ring.seal('a "quoted" \\ value') } }))
  const request = composeRequest(event, DELIVERY, recipient, nowSeconds)
  const kept = JSON.parse(keptHeaders(recipient, request)) as Record<string, string>
  const shown = sentHeaders(kept, { eventId: event.id, eventType: event.event, deliveryId: DELIVERY, startedAt: new Date(nowSeconds * 1_000 + 999).toISOString() })
  const sent = Object.fromEntries(request.headers.flatMap((name, i) => i % 2 === 0 ? [[name, request.headers[i + 1]]] : [])) as Record<string, string>
  expect(sent['Authorization']).toBe('Bearer sesame')
  expect(shown).toEqual({ ...sent, Authorization: '••••••••' })
  expect(shown['X-Note']).toBe('a "quoted" \\ value')
})

test('a recipient sealed with a key that is not on the ring cannot be opened', () => {
  const foreign = createKeyRing(['another key of at least thirty-two characters'])
  const [key, expiresAt] = [foreign.seal(older), isoIn(60)]
  for (const changed of [{ secret: key }, { headers: { A: key } }, { ed25519Key: key }, { retiredKeys: [{ key, expires_at: expiresAt }] }]) {
    expect(() => openRecipient(ring, sealed(changed))).toThrow(/encryption key/)
  }
})
