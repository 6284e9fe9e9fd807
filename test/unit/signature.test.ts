import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'
import { envelopeJson, legacySignedText } from '../../shared/envelope.js'
import { formatPrivateKey, formatPublicKey, formatSecret, parsePrivateKey, signLegacy, signV1, signV1a, verifyV1 } from '../../shared/signature.js'

// The published vector of Standard Webhooks.
const vector = {
  secret: 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  timestamp: 1614265330,
  body: '{"test": 2432232314}',
  signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
}

const request = { id: vector.id, timestamp: String(vector.timestamp), signature: vector.signature, body: vector.body }

describe('Standard Webhooks v1', () => {
  test('signs the published vector, with and without the prefix of the secret', () => {
    expect(signV1(vector.secret, vector.id, vector.timestamp, vector.body)).toBe(vector.signature)
    expect(signV1(`whsec_${vector.secret}`, vector.id, vector.timestamp, vector.body)).toBe(vector.signature)
  })

  test('verifies it, also among other signatures, as in a rotation', () => {
    expect(verifyV1(vector.secret, request, vector.timestamp)).toBeUndefined()
    expect(verifyV1(vector.secret, { ...request, signature: `v1,AAAA v1a,BBBB ${vector.signature}` }, vector.timestamp)).toBeUndefined()
  })

  test.each([
    ['a changed body', { body: '{"test": 2432232315}' }, 0, 'signature_mismatch'],
    ['a changed id', { id: 'msg_other' }, 0, 'signature_mismatch'],
    ['another signature', { signature: 'v1,AAAA' }, 0, 'signature_mismatch'],
    ['a missing header', { signature: undefined }, 0, 'missing_header'],
    ['a timestamp that is none', { timestamp: 'soon' }, 0, 'timestamp_out_of_tolerance'],
    ['a timestamp too old', {}, 301, 'timestamp_out_of_tolerance'],
    ['a timestamp too new', {}, -301, 'timestamp_out_of_tolerance']
  ])('refuses %s', (_name, change, later, failure) => {
    expect(verifyV1(vector.secret, { ...request, ...change }, vector.timestamp + later)).toBe(failure)
  })

  test('is accepted by the npm packages standardwebhooks and svix', () => {
    const secret = formatSecret(Buffer.alloc(32, 7))
    const timestamp = Math.floor(Date.now() / 1000)
    const headers = { 'webhook-id': 'evt_1', 'webhook-timestamp': String(timestamp), 'webhook-signature': signV1(secret, 'evt_1', timestamp, '{"a":1}') }
    expect(new Webhook(secret).verify('{"a":1}', headers)).toEqual({ a: 1 })
    expect(new SvixWebhook(secret).verify('{"a":1}', headers)).toEqual({ a: 1 })
  })

  test('refuses secrets of a wrong size', () => {
    expect(() => signV1('whsec_c2hvcnQ=', 'id', 1, '')).toThrow(RangeError)
  })
})

describe('Standard Webhooks v1a', () => {
  // The vector of Svix's server (test_asymmetric_key_signing), over the message of the published v1 vector.
  const privateKey = 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=='
  const publicKey = 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4='
  const signature = 'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=='

  test('signs the vector, and writes both halves of its key as it is written there', () => {
    const key = parsePrivateKey(privateKey)
    expect(signV1a(key, vector.id, vector.timestamp, vector.body)).toBe(signature)
    expect(formatPublicKey(key)).toBe(publicKey)
    expect(formatPublicKey(createPublicKey(key))).toBe(publicKey)
    expect(formatPrivateKey(key)).toBe(privateKey)
  })

  test('keys survive being written and read', () => {
    const { privateKey: generated, publicKey: itsPublic } = generateKeyPairSync('ed25519')
    const [scheme, text] = signV1a(parsePrivateKey(formatPrivateKey(generated)), 'evt_1', 1, 'body').split(',')
    expect(scheme).toBe('v1a')
    expect(verify(null, Buffer.from('evt_1.1.body'), itsPublic, Buffer.from(text!, 'base64'))).toBe(true)
  })

  test.each([
    ['without its prefix', privateKey.slice(5)],
    ['cut short', privateKey.slice(0, -8)],
    ['whose halves belong to different keys', privateKey.replace('1SiA', '2SiA').replace('bfVKI', 'bfVKJ')],
    ['that is a secret', `whsec_${vector.secret}`],
    ['that is public', publicKey]
  ])('refuses a private key %s', (_name, text) => {
    expect(() => parsePrivateKey(text)).toThrow(RangeError)
  })

  test('is not taken for v1: neither the signature nor the public key', () => {
    const relabelled = [signature, signature.replace('v1a,', 'v1,'), vector.signature.replace('v1,', 'v1a,'), vector.signature.replace('v1,', 'v1a')]
    for (const candidate of relabelled) expect(verifyV1(vector.secret, { ...request, signature: candidate }, vector.timestamp)).toBe('signature_mismatch')
    // Whoever verified with the public key as a secret would believe everybody who can read it.
    expect(() => verifyV1(publicKey, request, vector.timestamp)).toThrow(RangeError)
    expect(() => signV1(privateKey, vector.id, vector.timestamp, vector.body)).toThrow(RangeError)
  })
})

describe('CSCX\'s own signature', () => {
  const event = { id: '019c0932-1a80-7000-8000-5a9f1e6d2c31', event: 'task.created', timestamp: '2026-01-29T10:00:00.000Z', dataJson: '{"title":"Übung \\"x\\"","n":1}' }

  test('is found by a receiver that serializes {event, timestamp, data} of the parsed body', () => {
    const signature = signLegacy('whsec_secret', legacySignedText(event))
    const body = JSON.parse(envelopeJson(event, signature)) as Record<string, unknown>
    expect(Object.keys(body)).toEqual(['id', 'event', 'timestamp', 'data', 'signature'])
    const { event: name, timestamp, data } = body
    expect(signLegacy('whsec_secret', JSON.stringify({ event: name, timestamp, data }))).toBe(body['signature'])
  })
})
