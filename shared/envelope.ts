import { z } from 'zod'

/** The body of every webhook. Order of members is part of the contract: CSCX's own signature covers event, timestamp and data as sent. */
export const Envelope = z.object({
  id: z.uuid().meta({ title: 'Event ID', description: 'Stays the same over every retry and redelivery; equals the webhook-id header.' }),
  event: z.string().meta({ title: 'Event Type' }),
  timestamp: z.iso.datetime().meta({ title: 'Timestamp', description: 'When the event occurred (ISO 8601, UTC).' }),
  data: z.record(z.string(), z.unknown()).meta({ title: 'Data' }),
  signature: z.string().regex(/^sha256=[0-9a-f]{64}$/).meta({
    title: 'Signature',
    description: 'HMAC-SHA256 (hex) over the JSON of {event, timestamp, data} as sent, keyed with the webhook secret.'
  })
})
export type Envelope = z.infer<typeof Envelope>

/** An event as it is stored: `data` is JSON text, so that every delivery sends the very same bytes. */
export interface StoredEvent {
  id: string
  event: string
  /** ISO 8601, UTC. */
  timestamp: string
  /** JSON text of the event's data. */
  dataJson: string
}

/** The text that CSCX's own signature covers: `{event, timestamp, data}`, without id and signature. */
export function legacySignedText ({ event, timestamp, dataJson }: StoredEvent): string {
  return `{"event":${JSON.stringify(event)},"timestamp":${JSON.stringify(timestamp)},"data":${dataJson}}`
}

/** Serializes the envelope. `signature` is the value of X-CSCX-Signature, `sha256=<hex>`. */
export function envelopeJson (event: StoredEvent, signature: string): string {
  const members = legacySignedText(event).slice(1, -1)
  return `{"id":${JSON.stringify(event.id)},${members},"signature":${JSON.stringify(signature)}}`
}
