import { uuidv7 } from 'uuidv7'
import { findEvent } from '../../shared/catalogue/index.js'
import { envelopeJson } from '../../shared/envelope.js'
import { marker } from './marker.js'

/** The event type of all that is sent: its description is long enough to make up the size, and comes from a table too. */
export const EVENT_TYPE = 'risk_signal.created'
/** Size of a request's body. */
export const BODY_BYTES = 1024

/** An event as the engine takes it. */
export interface BenchEvent {
  id: string
  organizationId: string
  type: string
  customerId: string | null
  dataJson: string
  /** ISO 8601, UTC. */
  occurredAt: string
}

const { data, timestamp } = findEvent(EVENT_TYPE)?.sample ?? { data: {}, timestamp: '' }
const MARK = marker(0, 0)

const dataWith = (description: string) => JSON.stringify({ ...data, description })
const bodyOf = (dataJson: string) => envelopeJson({ id: uuidv7(), event: EVENT_TYPE, timestamp, dataJson }, `sha256=${'0'.repeat(64)}`)
const PADDING = '.'.repeat(BODY_BYTES - bodyOf(dataWith(MARK)).length)
const [HEAD = '', TAIL = ''] = dataWith(MARK + PADDING).split(MARK)

/** JSON text of an event's data, such that the body has {@link BODY_BYTES}. */
export function payload (number: number, dueMicros: number): string {
  return HEAD + marker(number, dueMicros) + TAIL
}

/** A description of the same length, for what is written to CSCX's tables. */
export function description (number: number, dueMicros: number): string {
  return marker(number, dueMicros) + PADDING
}

/** The data as an object without what the server fills in, for POST /api/events. */
export function postedData (number: number, dueMicros: number): Record<string, unknown> {
  const { origin: _origin, origin_id: _originId, ...posted } = data as Record<string, unknown>
  return { ...posted, description: description(number, dueMicros) }
}

/** An event, made now, that was due at a time. */
export function benchEvent (organizationId: string, number: number, dueMicros: number): BenchEvent {
  return {
    id: uuidv7(),
    organizationId,
    type: EVENT_TYPE,
    customerId: null,
    dataJson: payload(number, dueMicros),
    occurredAt: new Date().toISOString()
  }
}
