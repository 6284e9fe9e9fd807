import type { Envelope } from '../../../shared/envelope.js'
import { signSample, type EventDefinition } from '../../../shared/catalogue/define-event.js'
import type { Database } from '../../db/client.js'
import { findEventIds } from './event-ids.js'

/**
 * Envelopes to show what an event type's webhooks carry: the tenant's newest real events, or the catalogue's sample while
 * there are none. Their shape is exactly the hook's; since no webhook asked for them, SAMPLE_SECRET signs them.
 */
export async function listSamples ({ sql }: Database, organizationId: string, definition: EventDefinition, limit: number): Promise<Envelope[]> {
  const { ids } = await findEventIds(sql, organizationId, { types: [definition.name], withTests: false, limit })
  const rows = await sql<Array<{ id: string, occurred_at: string, data: string }>>`
    select id, data::text as data, to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as occurred_at
    from cscx_zapier.events
    where id = any(${ids}::uuid[]) and organization_id = ${organizationId} order by id desc`
  if (rows.length === 0) return [definition.sample]
  return rows.map((row) => signSample(row.id, definition.name, row.occurred_at, JSON.parse(row.data) as Record<string, unknown>))
}
