import { z } from 'zod'
import { findEvent, postableEventNames } from '../../shared/catalogue/index.js'
import type { NewEvent } from '../outbound/index.js'
import { invalidField } from '../problem.js'
import { parseInput } from '../validation.js'
import { newEvent } from './new-event.js'

/** How far in the future a producer's clock may be. */
const CLOCK_SKEW_MS = 5 * 60_000

/** Body of POST /api/events: an event from a producer that does not write to CSCX's database. */
export const PostedEvent = z.strictObject({
  event: z.enum(postableEventNames).meta({ title: 'Event Type', description: 'The event type; not one that only CSCX itself raises, such as webhook.disabled.' }),
  data: z.record(z.string(), z.unknown()).meta({ title: 'Data', description: 'The event\'s data, as its type\'s schema wants it, without origin and origin_id.' }),
  timestamp: z.iso.datetime({ offset: true }).optional().meta({ title: 'Timestamp', description: 'When the event occurred, from 1970 on; now when left out.' })
})
export type PostedEvent = z.output<typeof PostedEvent>

export const AcceptedEvent = z.object({ id: z.uuid(), event: z.string(), timestamp: z.iso.datetime() })
export type AcceptedEvent = z.infer<typeof AcceptedEvent>

/**
 * Makes an event of what a producer posted; recording it is the caller's business.
 * @param producerId The credential that posted it; becomes the event's origin.
 * @throws ApiProblem validation_failed naming every member of the data that does not fit.
 */
export function readPostedEvent (organizationId: string, producerId: string, posted: PostedEvent): NewEvent {
  const definition = findEvent(posted.event)
  if (!definition) throw invalidField('/event', 'There is no such event type')
  const occurredAt = posted.timestamp === undefined ? new Date() : new Date(posted.timestamp)
  // In UTC, where the year 1 of another zone may be year 0, which Postgres does not have.
  if (occurredAt.getTime() < 0) throw invalidField('/timestamp', 'An event cannot have occurred before 1970')
  if (occurredAt.getTime() > Date.now() + CLOCK_SKEW_MS) throw invalidField('/timestamp', 'An event cannot occur in the future')
  const data = parseInput(definition.data.omit({ origin: true, origin_id: true }), posted.data, '/data')
  return newEvent(definition, organizationId, { ...data, origin: 'api', origin_id: producerId }, occurredAt.toISOString())
}

/** What the producer is answered. */
export function acceptedEvent ({ id, type, occurredAt }: NewEvent): AcceptedEvent {
  return { id, event: type, timestamp: occurredAt }
}
