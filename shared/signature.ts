import { createHmac, createPrivateKey, createPublicKey, sign, timingSafeEqual, type KeyObject } from 'node:crypto'

/** Standard Webhooks 1.0.0 "Signature scheme": how far a timestamp may lie from the receiver's clock, as a rule. */
export const TIMESTAMP_TOLERANCE_SECONDS = 5 * 60

const SECRET_PREFIX = 'whsec_'
const PRIVATE_KEY_PREFIX = 'whsk_'
const PUBLIC_KEY_PREFIX = 'whpk_'

/** Bytes of an ed25519 public key, and of the seed of a private one (RFC 8032 §5.1.5). */
const ED25519_BYTES = 32

/**
 * The HMAC key inside a Standard Webhooks secret.
 * @param secret `whsec_` followed by base64 of 24–64 bytes; the prefix may be missing.
 * @throws RangeError when it decodes to fewer than 24 or more than 64 bytes, or is a key of the other scheme: whoever
 *   verified `v1` with a public key would accept what anybody can sign.
 */
export function secretKey (secret: string): Buffer {
  if (secret.startsWith(PRIVATE_KEY_PREFIX) || secret.startsWith(PUBLIC_KEY_PREFIX)) throw new RangeError('This is an ed25519 key, not a webhook secret')
  const key = Buffer.from(secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : secret, 'base64')
  if (key.length < 24 || key.length > 64) throw new RangeError('A webhook secret holds 24 to 64 bytes of base64')
  return key
}

/** Formats random bytes (24–64 of them) as a Standard Webhooks secret. */
export function formatSecret (bytes: Uint8Array): string {
  return SECRET_PREFIX + Buffer.from(bytes).toString('base64')
}

/**
 * The `v1` signature of Standard Webhooks 1.0.0: HMAC-SHA256, base64, over `id.timestamp.body`.
 * @param secret A secret, or the key inside it, prepared for many signatures.
 * @param timestamp Unix time in seconds.
 */
export function signV1 (secret: string | KeyObject, id: string, timestamp: number, body: string): string {
  const key = typeof secret === 'string' ? secretKey(secret) : secret
  return 'v1,' + createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
}

/**
 * The `v1a` signature of Standard Webhooks 1.0.0: ed25519, base64, over `id.timestamp.body`.
 * @param timestamp Unix time in seconds.
 */
export function signV1a (privateKey: KeyObject, id: string, timestamp: number, body: string): string {
  return 'v1a,' + sign(null, Buffer.from(`${id}.${timestamp}.${body}`), privateKey).toString('base64')
}

/** Formats an ed25519 private key as Standard Webhooks does: `whsk_` and base64 of its seed and its public key (64 bytes, as Svix writes it). */
export function formatPrivateKey (key: KeyObject): string {
  const { d = '', x = '' } = key.export({ format: 'jwk' })
  return PRIVATE_KEY_PREFIX + Buffer.concat([Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')]).toString('base64')
}

/** Formats the public half of an ed25519 key as Standard Webhooks does: `whpk_` and base64 of its 32 bytes. */
export function formatPublicKey (key: KeyObject): string {
  return PUBLIC_KEY_PREFIX + publicBytes(key).toString('base64')
}

/** @param text `whsk_…`, as {@link formatPrivateKey} writes it. @throws RangeError when it is none, or its halves do not belong together. */
export function parsePrivateKey (text: string): KeyObject {
  const bytes = Buffer.from(text.startsWith(PRIVATE_KEY_PREFIX) ? text.slice(PRIVATE_KEY_PREFIX.length) : '', 'base64')
  if (bytes.length !== 2 * ED25519_BYTES) throw new RangeError('A private key is whsk_ and base64 of 64 bytes')
  const [seed, publicKey] = [bytes.subarray(0, ED25519_BYTES), bytes.subarray(ED25519_BYTES)]
  const key = createPrivateKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', d: seed.toString('base64url'), x: publicKey.toString('base64url') } })
  if (!publicBytes(key).equals(publicKey)) throw new RangeError('The halves of this private key do not belong together')
  return key
}

/** The 32 bytes of an ed25519 public key, or of the public half of a private one. */
function publicBytes (key: KeyObject): Buffer {
  const { x = '' } = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' })
  return Buffer.from(x, 'base64url')
}

/**
 * CSCX's own signature, `sha256=<hex>`: HMAC-SHA256 keyed with the secret's text as shown to its owner.
 * @param secret That text, or the key made of its bytes, prepared for many signatures.
 */
export function signLegacy (secret: string | KeyObject, text: string): string {
  return 'sha256=' + createHmac('sha256', secret).update(text).digest('hex')
}

export type VerifyFailure = 'missing_header' | 'timestamp_out_of_tolerance' | 'signature_mismatch'

export interface SignedRequest {
  id: string | undefined
  timestamp: string | undefined
  /** Space-separated signatures, as in the webhook-signature header. */
  signature: string | undefined
  body: string
}

/**
 * Verifies a Standard Webhooks request.
 * @param nowSeconds The receiver's Unix time, against which the timestamp is held.
 * @param toleranceSeconds How far the timestamp may lie from it.
 * @returns undefined when one of the signatures is right, otherwise why none is.
 */
export function verifyV1 (secret: string, request: SignedRequest, nowSeconds: number, toleranceSeconds = TIMESTAMP_TOLERANCE_SECONDS): VerifyFailure | undefined {
  const { id, timestamp, signature, body } = request
  if (!id || !timestamp || !signature) return 'missing_header'
  const seconds = Number(timestamp)
  if (!(Math.abs(nowSeconds - seconds) <= toleranceSeconds)) return 'timestamp_out_of_tolerance'
  const expected = Buffer.from(signV1(secret, id, seconds, body))
  const found = signature.split(' ').map((candidate) => Buffer.from(candidate))
    .some((candidate) => candidate.length === expected.length && timingSafeEqual(candidate, expected))
  return found ? undefined : 'signature_mismatch'
}
