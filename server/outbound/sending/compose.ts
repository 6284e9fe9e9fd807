import { envelopeJson, legacySignedText, type StoredEvent } from '../../../shared/envelope.js'
import { signLegacy, signV1 } from '../../../shared/signature.js'

/** Everything one HTTP try needs. */
export interface OutgoingRequest {
  url: string
  /** Flat name-value pairs, as undici's fast path takes them. */
  headers: string[]
  body: string
}

export interface Recipient {
  url: string
  /** The signing secret, decrypted. */
  secret: string
  /** Custom headers, decrypted. */
  headers: Readonly<Record<string, string>>
}

const USER_AGENT = 'CSCX-Webhooks/1.0'

/** Names that a custom header may not take: those that we set, and those that belong to the connection (RFC 9110 §7.6.1). */
export const RESERVED_HEADERS = /^(host|content-length|content-type|transfer-encoding|connection|keep-alive|proxy-.*|te|trailer|upgrade|expect|user-agent|webhook-.*|x-cscx-.*)$/i

/**
 * Builds the request of an attempt. It carries the Standard Webhooks headers over the body as sent, and CSCX's own
 * signature over `{event, timestamp, data}`, which is also the body's `signature`.
 * @param timestamp Unix time of this attempt, in seconds.
 */
export function composeRequest (event: StoredEvent, deliveryId: string, { url, secret, headers }: Recipient, timestamp: number): OutgoingRequest {
  const legacy = signLegacy(secret, legacySignedText(event))
  const body = envelopeJson(event, legacy)
  return {
    url,
    headers: [
      ...Object.entries(headers).flat(),
      'content-type', 'application/json',
      'user-agent', USER_AGENT,
      'webhook-id', event.id,
      'webhook-timestamp', String(timestamp),
      'webhook-signature', signV1(secret, event.id, timestamp, body),
      'x-cscx-signature', legacy,
      'x-cscx-event', event.event,
      'x-cscx-delivery', deliveryId
    ],
    body
  }
}
