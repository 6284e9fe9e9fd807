import { createHmac, timingSafeEqual } from 'node:crypto'

/** Standard Webhooks 1.0.0 "Signature scheme": how far a timestamp may lie from the receiver's clock, as a rule. */
export const TIMESTAMP_TOLERANCE_SECONDS = 5 * 60

const SECRET_PREFIX = 'whsec_'

/**
 * The HMAC key inside a Standard Webhooks secret.
 * @param secret `whsec_` followed by base64 of 24–64 bytes; the prefix may be missing.
 * @throws RangeError when it decodes to fewer than 24 or more than 64 bytes.
 */
export function secretKey (secret: string): Buffer {
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
 * @param timestamp Unix time in seconds.
 */
export function signV1 (secret: string, id: string, timestamp: number, body: string): string {
  return 'v1,' + createHmac('sha256', secretKey(secret)).update(`${id}.${timestamp}.${body}`).digest('base64')
}

/** CSCX's own signature, `sha256=<hex>`: HMAC-SHA256 keyed with the secret's text as shown to its owner. */
export function signLegacy (secret: string, text: string): string {
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
