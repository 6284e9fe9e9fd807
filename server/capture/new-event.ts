import { uuidv7 } from 'uuidv7'
import type { z } from 'zod'
import type { EventDefinition } from '../../shared/catalogue/define-event.js'
import type { NewEvent } from '../outbound/index.js'

/**
 * An event ready to be recorded, its data checked against the event type's schema. Its id tells when it was made, which
 * for a posted event may be long after it occurred.
 * @param occurredAt ISO 8601, UTC.
 * @throws ZodError when the data cannot be made to fit.
 */
export function newEvent (definition: EventDefinition, organizationId: string, data: Record<string, unknown>, occurredAt: string): NewEvent {
  const parsed = parseCaptured(definition.data, data)
  return {
    id: uuidv7(),
    organizationId,
    type: definition.name,
    customerId: typeof parsed['customer_id'] === 'string' ? parsed['customer_id'] : null,
    dataJson: JSON.stringify(parsed),
    occurredAt
  }
}

/**
 * Parses what was read from CSCX's tables, whose columns hold more than an event type promises. Better an event with a
 * clipped title than none: texts are cut to their limit, numbers brought into their range, and times that are none left out.
 */
function parseCaptured (schema: z.ZodObject, data: Record<string, unknown>): Record<string, unknown> {
  const result = schema.safeParse(data)
  if (result.success) return result.data
  const mended = { ...data }
  for (const issue of result.error.issues) {
    const [member] = issue.path
    if (issue.path.length === 1 && typeof member === 'string') mended[member] = mend(mended[member], issue)
  }
  return schema.parse(mended)
}

function mend (value: unknown, issue: z.core.$ZodIssue): unknown {
  // By code points, as the schema counts.
  if (issue.code === 'too_big' && typeof value === 'string') return [...value].slice(0, Number(issue.maximum)).join('')
  if (issue.code === 'too_big' && typeof value === 'number') return Number(issue.maximum)
  if (issue.code === 'too_small' && typeof value === 'number') return Number(issue.minimum)
  return issue.code === 'invalid_format' ? null : value
}
