import type { KeyObject } from 'node:crypto'
import { envelopeJson, legacySignedText, type StoredEvent } from '../../../shared/envelope.js'
import { signLegacy } from '../../../shared/signature.js'
import { MASK } from '../../../shared/webhook.js'
import type { KeyRing } from '../../auth/index.js'
import { isCredential } from '../webhooks/headers.js'
import { targetOf } from './sender.js'
import { openLegacyKey, openSigningKeys, type SealedKeys, type SigningKey } from './signing-key.js'

/** A webhook's row as far as sending to it goes. Keys and header values are sealed. */
export interface SealedRecipient extends SealedKeys {
  url: string
  headers: Record<string, string>
}

/** Whom a request goes to, with all that does not change from one request to the next worked out. */
export interface Recipient {
  origin: string
  path: string
  /** Flat name-value pairs that every request begins with: the custom headers, and ours that stay the same. */
  headers: readonly string[]
  /** The custom ones as members of a JSON object, each followed by a comma; credentials masked. */
  kept: string
  /** Newest first of each scheme; some may have expired by the time of a request. */
  keys: readonly SigningKey[]
  /** Makes CSCX's own signature; of the newest secret, since that header holds one. */
  legacyKey: KeyObject
}

/** Everything one HTTP try needs, as the sender takes it. */
export interface OutgoingRequest {
  method: 'POST'
  origin: string
  path: string
  /** Flat name-value pairs. */
  headers: string[]
  body: string
  /** The ids of the keys that signed it, in the order of their signatures, separated by spaces. Safe to show. */
  keyId: string
}

/** How we name ourselves to receivers. */
export const USER_AGENT = 'CSCX-Webhooks/1.0'
const CONSTANT_HEADERS = { 'content-type': 'application/json', 'user-agent': USER_AGENT } as const

/**
 * Prepares a webhook for sending: deciphers, parses and derives what {@link composeRequest} then only uses. It takes several
 * times as long, so do it once per version of a webhook.
 * @throws Error when something was sealed with a key that is not on the ring, or the URL cannot be parsed.
 */
export function openRecipient (keyRing: KeyRing, sealed: SealedRecipient): Recipient {
  const target = targetOf(sealed.url)
  if (!target) throw new Error('The URL of the webhook cannot be parsed')
  const custom = Object.entries(sealed.headers).map(([name, value]): [string, string] => [name, keyRing.open(value)])
  return {
    ...target,
    headers: [...custom, ...Object.entries(CONSTANT_HEADERS)].flat(),
    kept: custom.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(isCredential(name) ? MASK : value)},`).join(''),
    keys: openSigningKeys(keyRing, sealed),
    legacyKey: openLegacyKey(keyRing.open(sealed.secret))
  }
}

/**
 * Builds the request of an attempt. It carries the Standard Webhooks headers over the body as sent, with a signature by
 * every key that has not expired, and CSCX's own signature over `{event, timestamp, data}`, which is also the body's
 * `signature`.
 * @param timestampSeconds Unix time of this attempt.
 */
export function composeRequest (event: StoredEvent, deliveryId: string, recipient: Recipient, timestampSeconds: number): OutgoingRequest {
  const legacy = signLegacy(recipient.legacyKey, legacySignedText(event))
  const body = envelopeJson(event, legacy)
  let signatures = ''
  let keyId = ''
  for (const key of recipient.keys) {
    if (!(key.expiresAtSeconds > timestampSeconds)) continue
    const gap = keyId === '' ? '' : ' '
    signatures += gap + key.sign(event.id, timestampSeconds, body)
    keyId += gap + key.id
  }
  return {
    method: 'POST',
    origin: recipient.origin,
    path: recipient.path,
    headers: [
      ...recipient.headers,
      'webhook-signature', signatures,
      'x-cscx-signature', legacy,
      'webhook-id', event.id,
      'webhook-timestamp', String(timestampSeconds),
      'x-cscx-event', event.event,
      'x-cscx-delivery', deliveryId
    ],
    body,
    keyId
  }
}

/**
 * What the record of an attempt keeps of its request's headers: those that nothing else tells, which are the custom ones,
 * with credentials masked, and the signatures, which tell nothing of their keys. {@link sentHeaders} adds the others.
 * @returns JSON text of an object, name → value.
 */
export function keptHeaders (recipient: Recipient, { headers }: OutgoingRequest): string {
  const own = recipient.headers.length
  // Our own names and signatures hold nothing that JSON escapes.
  return `{${recipient.kept}"${headers[own]}":"${headers[own + 1]}","${headers[own + 2]}":"${headers[own + 3]}"}`
}

/** What the headers of an attempt's request were made from. */
export interface SentRequest {
  eventId: string
  eventType: string
  deliveryId: string
  /** ISO 8601. */
  startedAt: string
}

/** The headers of an attempt's request as they were sent, credentials masked. @param kept What {@link keptHeaders} kept. */
export function sentHeaders (kept: Readonly<Record<string, string>>, { eventId, eventType, deliveryId, startedAt }: SentRequest): Record<string, string> {
  return {
    ...kept,
    ...CONSTANT_HEADERS,
    'webhook-id': eventId,
    'webhook-timestamp': String(Math.floor(Date.parse(startedAt) / 1_000)),
    'x-cscx-event': eventType,
    'x-cscx-delivery': deliveryId
  }
}
