import { createHash, createSecretKey, type KeyObject } from 'node:crypto'
import { formatPublicKey, parsePrivateKey, secretKey, signV1, signV1a } from '../../../shared/signature.js'
import type { SignatureScheme } from '../../../shared/webhook-keys.js'
import type { KeyRing } from '../../auth/index.js'
import type { RetiredKey } from '../../db/schema/webhooks.js'

/** The keys in a webhook's row, sealed. */
export interface SealedKeys {
  secret: string
  ed25519Key: string | null
  retiredKeys: RetiredKey[]
}

/** A key that signs a webhook's requests, ready for use. */
export interface SigningKey {
  scheme: SignatureScheme
  /** Names it wherever it is shown; tells nothing of a secret. See {@link nameOf}. */
  id: string
  /** `whpk_…`, for everybody to verify with; null of an HMAC secret. */
  publicKey: string | null
  /** Unix time in seconds from which it signs no more; Infinity of the newest one of its scheme. */
  expiresAtSeconds: number
  /** A signature as the webhook-signature header holds it. The timestamp is Unix time in seconds. */
  sign: (id: string, timestamp: number, body: string) => string
}

/**
 * Prepares a key; this takes longer than to sign with it.
 * @param text `whsec_…` or `whsk_…`.
 * @param expiresAt ISO 8601; null for the newest key of its scheme, which does not expire.
 * @throws RangeError when the text is neither.
 */
function openSigningKey (text: string, expiresAt: string | null): SigningKey {
  const expiresAtSeconds = expiresAt === null ? Infinity : Date.parse(expiresAt) / 1000
  if (text.startsWith('whsk_')) {
    const key = parsePrivateKey(text)
    const publicKey = formatPublicKey(key)
    return { scheme: 'v1a', id: nameOf(publicKey), publicKey, expiresAtSeconds, sign: (id, timestamp, body) => signV1a(key, id, timestamp, body) }
  }
  const key = createSecretKey(secretKey(text))
  return { scheme: 'v1', id: nameOf(text), publicKey: null, expiresAtSeconds, sign: (id, timestamp, body) => signV1(key, id, timestamp, body) }
}

/**
 * Deciphers and prepares the keys of a webhook, expired ones too: the newest of each scheme, then the retired ones as stored.
 * @throws Error when one was sealed with a key that is not on the ring.
 */
export function openSigningKeys (keyRing: KeyRing, { secret, ed25519Key, retiredKeys }: SealedKeys): SigningKey[] {
  return [
    openSigningKey(keyRing.open(secret), null),
    ...ed25519Key === null ? [] : [openSigningKey(keyRing.open(ed25519Key), null)],
    ...retiredKeys.map((retired) => openSigningKey(keyRing.open(retired.key), retired.expires_at))
  ]
}

/** The key of CSCX's own signature: the secret's text, prefix and all. */
export function openLegacyKey (secret: string): KeyObject {
  return createSecretKey(secret, 'utf8')
}

/** What a key is called: the first eight hex digits of the SHA-256 of its text, of the public key's text where there is one. */
function nameOf (text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}
