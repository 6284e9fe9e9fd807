import { findEvent } from '../../../shared/catalogue/index.js'
import type { FilterPreview, FilterPreviewRequest } from '../../../shared/event-history.js'
import type { UnmetCondition } from '../../../shared/filter.js'
import type { Database, Sql } from '../../db/client.js'
import type { StoredCondition } from '../../db/schema/index.js'
import { invalidFields } from '../../validation.js'
import { describeCondition } from '../webhooks/describe-condition.js'
import { checkFilter, compileFilter } from '../webhooks/filter.js'
import type { Owner } from '../webhooks/webhooks.js'
import { findEventIds } from './event-ids.js'
import { isoTime } from './iso-time.js'

interface Tried {
  id: string
  event: string
  timestamp: string
  customer_id: string | null
  customer_name: string | null
  unmet: UnmetCondition | null
}

/**
 * Tries a filter on the tenant's latest events of its types, or on the catalogue's samples where there are none. The
 * database decides, by the same function as when events are fanned out.
 * @throws ApiProblem validation_failed naming every condition that could not work.
 */
export async function previewFilter ({ sql }: Pick<Database, 'sql'>, owner: Owner, { events, filter, limit }: FilterPreviewRequest): Promise<FilterPreview> {
  const types = [...new Set(events)]
  const errors = checkFilter(filter, types)
  if (errors.length > 0) throw invalidFields(errors)
  const stored = compileFilter(filter, types)
  const { ids } = await findEventIds(sql, owner.organizationId, { types, withTests: false, limit })
  const tried = ids.length > 0 ? await tryEvents(sql, owner.organizationId, stored, ids) : await trySamples(sql, stored, types.slice(0, limit))
  return {
    source: ids.length > 0 ? 'events' : 'samples',
    passed: tried.filter(({ unmet }) => unmet === null).length,
    data: tried.map((event) => ({ ...event, passes: event.unmet === null, sentence: event.unmet && describeCondition(event.unmet) }))
  }
}

async function tryEvents (sql: Sql, organizationId: string, stored: readonly StoredCondition[], ids: readonly string[]): Promise<Tried[]> {
  return await sql<Tried[]>`
    select e.id, e.type as event, ${isoTime(sql, 'e.occurred_at')} as timestamp, e.customer_id, e.data ->> 'customer_name' as customer_name,
      cscx_zapier.unmet_condition(${JSON.stringify(stored)}::text::jsonb, e.data::jsonb) as unmet
    from cscx_zapier.events e where e.id = any(${[...ids]}::uuid[]) and e.organization_id = ${organizationId} order by e.id desc`
}

async function trySamples (sql: Sql, stored: readonly StoredCondition[], types: readonly string[]): Promise<Tried[]> {
  const samples = types.flatMap((type) => findEvent(type)?.sample ?? [])
  const rows = await sql<Array<{ unmet: UnmetCondition | null }>>`
    select cscx_zapier.unmet_condition(${JSON.stringify(stored)}::text::jsonb, s.data::jsonb) as unmet
    from unnest(${samples.map(({ data }) => JSON.stringify(data))}::text[]) with ordinality as s(data, n) order by n`
  return samples.map(({ id, event, timestamp, data }, index) => ({
    id,
    event,
    timestamp,
    customer_id: typeof data['customer_id'] === 'string' ? data['customer_id'] : null,
    customer_name: typeof data['customer_name'] === 'string' ? data['customer_name'] : null,
    unmet: rows[index]?.unmet ?? null
  }))
}
