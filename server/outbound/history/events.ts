import { eventNames } from '../../../shared/catalogue/index.js'
import type { EventQuery, EventSummary, ListedEvent } from '../../../shared/event-history.js'
import type { Page } from '../../../shared/pagination.js'
import { parseCursor } from '../../cursor.js'
import type { Database, Sql } from '../../db/client.js'
import { ApiProblem } from '../../problem.js'
import type { Owner } from '../webhooks/webhooks.js'
import { findEventIds, timeOfId } from './event-ids.js'
import { isoTime } from './iso-time.js'

/** Deliveries of one event that a list counts. */
const COUNTED_MAX = 100

/** Events of the tenant, newest first, each with how its deliveries stand. */
export async function listEvents ({ sql }: Pick<Database, 'sql'>, owner: Owner, query: EventQuery): Promise<Page<ListedEvent>> {
  const { customer_id: customerId, event: types = eventNames, from, to, limit } = query
  const { ids, next } = await findEventIds(sql, owner.organizationId, { types, customerId, from, to, before: parseCursor(query.cursor), withTests: true, limit })
  const summaries = await readSummaries(sql, owner.organizationId, ids)
  const counts = new Map(await countDeliveries(sql, owner.organizationId, ids))
  return { data: summaries.map((summary) => ({ ...summary, deliveries: counts.get(summary.id) ?? {} })), next_cursor: next }
}

/** Events by id, in the order of the ids; those that are not the tenant's are left out. @param ids A page's worth. */
export async function readSummaries (sql: Sql, organizationId: string, ids: readonly string[]): Promise<EventSummary[]> {
  const rows = await sql<Array<{ event: SummaryRow }>>`
    select ${summary(sql)} as event
    from unnest(${[...ids]}::uuid[]) with ordinality as i(id, n) join cscx_zapier.events e on e.id = i.id and e.organization_id = ${organizationId}
    order by i.n`
  return rows.map(({ event }) => withTime(event))
}

/** An event with its data. @throws ApiProblem not_found when the tenant has no such event. */
export async function findEventById (sql: Sql, organizationId: string, id: string): Promise<EventSummary & { data: Record<string, unknown> }> {
  const [row] = await sql<Array<{ event: SummaryRow, data: Record<string, unknown> }>>`
    select ${summary(sql)} as event, e.data from cscx_zapier.events e where e.id = ${id} and e.organization_id = ${organizationId}`
  if (!row) throw new ApiProblem('not_found', 'There is no such event')
  return { ...withTime(row.event), data: row.data }
}

type SummaryRow = Omit<EventSummary, 'recorded_at'>

/** When it was recorded is told by its id, which is also what lists select by. */
function withTime (event: SummaryRow): EventSummary {
  return { ...event, recorded_at: timeOfId(event.id) }
}

function summary (sql: Sql) {
  return sql`json_build_object('id', e.id, 'event', e.type, 'timestamp', ${isoTime(sql, 'e.occurred_at')},
    'customer_id', e.customer_id, 'customer_name', e.data ->> 'customer_name', 'is_test', e.is_test)`
}

async function countDeliveries (sql: Sql, organizationId: string, ids: readonly string[]): Promise<Array<[id: string, counts: Record<string, number>]>> {
  const rows = await sql<Array<{ id: string, counts: Record<string, number> }>>`
    select i.id, c.counts from unnest(${[...ids]}::uuid[]) as i(id)
    cross join lateral (
      select json_object_agg(status, count) as counts from (
        select status, count(*)::int as count from (
          select status from cscx_zapier.webhook_deliveries where event_id = i.id and organization_id = ${organizationId} limit ${COUNTED_MAX}
        ) d group by status
      ) s
    ) c where c.counts is not null`
  return rows.map(({ id, counts }) => [id, counts])
}
