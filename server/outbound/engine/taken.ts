import type { StoredEvent } from '../../../shared/envelope.js'
import type { Places } from './lanes.js'

/** A delivery leased to this process. */
export interface TakenDelivery {
  id: string
  organizationId: string
  webhookId: string
  /** The version of its webhook, at the least. */
  version: number
  /** Whether its webhook has been failing since its last success. */
  isFailing: boolean
  /** HTTP tries so far, and those of them that count against the retry schedule. */
  attempts: number
  retryCount: number
  ageMs: number
  event: StoredEvent
}

/** A webhook behind which deliveries queue now, and its version. */
export interface QueuedWebhook {
  id: string
  version: number
}

/** What a statement that leases deliveries may lease, and for whom. */
export interface Offer extends Places {
  workerId: number
  /** Whether anything may be leased at all. */
  isGranting: boolean
  /** How many in all. They are kept free until the offer is answered. */
  room: number
  /** How large their events' data may be together; the first one may be larger. */
  bytes: number
}

/**
 * Whoever delivers in this process. A statement that makes deliveries leases them to it at once, which spares the claim:
 * ask for an offer, run the statement, and when it has committed answer with what came of it; or, when it failed, that
 * nobody knows.
 */
export interface Taker {
  offer: (wanted: number) => Offer
  accept: (offer: Offer, taken: readonly TakenDelivery[], queued: readonly QueuedWebhook[]) => void
  /** The statement failed, or its answer was lost: it may have leased something all the same. */
  giveUp: (offer: Offer) => void
}

/** The webhooks of these rows, each once. */
export function webhooksOf (rows: ReadonlyArray<{ webhook_id: string, version: number }>): QueuedWebhook[] {
  return [...new Map(rows.map(({ webhook_id: id, version }) => [id, { id, version }])).values()]
}

/** An offer's places by webhook, as JSON: in a statement, a look-up in it costs the same however many there are. */
export function placesJson ({ places }: Places): string {
  return JSON.stringify(Object.fromEntries(places))
}
