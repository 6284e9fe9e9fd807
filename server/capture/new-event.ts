import { uuidv7 } from 'uuidv7'
import type { EventDefinition } from '../../shared/catalogue/define-event.js'
import type { NewEvent } from '../outbound/index.js'

/**
 * An event ready to be recorded, its data checked against the event type's schema.
 * @param occurredAt ISO 8601, UTC.
 * @throws ZodError when the data does not fit.
 */
export function newEvent (definition: EventDefinition, organizationId: string, data: Record<string, unknown>, occurredAt: string): NewEvent {
  const parsed = definition.data.parse(data)
  return {
    id: uuidv7(),
    organizationId,
    type: definition.name,
    customerId: typeof parsed['customer_id'] === 'string' ? parsed['customer_id'] : null,
    dataJson: JSON.stringify(parsed),
    occurredAt,
    isTest: false
  }
}
