import type { DeliveryStatus } from '../../../shared/webhook.js'
import type { Queryable } from '../../db/client.js'
import { firstIdAt, ID_MAX, ID_MIN } from './id-time.js'

type Fragment = ReturnType<Queryable>

export interface DeliveryFilter {
  statuses?: readonly DeliveryStatus[] | undefined
  /** Names of event types. */
  events?: readonly string[] | undefined
  /** When their events were recorded: ISO 8601, the end excluded. */
  from?: string | undefined
  to?: string | undefined
}

/** The one status that is asked for, if it is one and has a partial index of its own. */
export function indexedStatus (statuses: readonly DeliveryStatus[] | undefined): 'dead_letter' | 'held' | undefined {
  const [status] = statuses?.length === 1 ? statuses : []
  return status === 'dead_letter' || status === 'held' ? status : undefined
}

/** As a literal where it has an index: Postgres uses a partial one only where the text of a query proves its condition. */
function statusIs (sql: Queryable, statuses: readonly DeliveryStatus[]): Fragment {
  switch (indexedStatus(statuses)) {
    case 'dead_letter': return sql`d.status = 'dead_letter'`
    case 'held': return sql`d.status = 'held'`
    case undefined: return sql`d.status = any(${[...statuses]}::text[])`
  }
}

/** The tenant's webhooks, those that have ended too, as a table `w`; or the one that is named. */
export function webhooksOf (sql: Queryable, organizationId: string, webhookId?: string): Fragment {
  return sql`(
    select * from cscx_zapier.outbound_webhooks where organization_id = ${organizationId} ${webhookId === undefined ? sql`` : sql`and id = ${webhookId}`}
  ) w`
}

/**
 * The condition on `cscx_zapier.webhook_deliveries d` for those of a webhook that a filter selects; to be ordered by
 * {@link oldestFirst} or {@link newestFirst}. The bounds are pairs, and not `d.webhook_id = …`, after which Postgres might
 * as well take the index on ids alone, and read all tenants' deliveries until it has found enough of this webhook.
 * @param webhook An expression for its id, such as `w.id`.
 * @param before The id before which to look, if one.
 */
export function ofWebhook (sql: Queryable, organizationId: string, webhook: Fragment, { statuses, events, from, to }: DeliveryFilter, before = ID_MAX): Fragment {
  const end = to === undefined || before < firstIdAt(to) ? before : firstIdAt(to)
  return sql`(d.webhook_id, d.id) >= (${webhook}, ${from === undefined ? ID_MIN : firstIdAt(from)}::uuid) and (d.webhook_id, d.id) < (${webhook}, ${end}::uuid)
    and d.organization_id = ${organizationId}
    ${statuses === undefined ? sql`` : sql`and ${statusIs(sql, statuses)}`}
    ${events === undefined ? sql`` : sql`and d.event_type = any(${[...events]}::text[])`}`
}

export const oldestFirst = (sql: Queryable): Fragment => sql`order by d.webhook_id, d.id`
export const newestFirst = (sql: Queryable): Fragment => sql`order by d.webhook_id desc, d.id desc`

/** The condition on `cscx_zapier.webhook_deliveries d` that a filter is, where something else finds them. */
export function matches (sql: Queryable, organizationId: string, { statuses, events, from, to }: DeliveryFilter, webhookId?: string): Fragment {
  return sql`d.organization_id = ${organizationId}
    and d.id >= ${from === undefined ? ID_MIN : firstIdAt(from)} and d.id < ${to === undefined ? ID_MAX : firstIdAt(to)}
    ${webhookId === undefined ? sql`` : sql`and d.webhook_id = ${webhookId}`}
    ${statuses === undefined ? sql`` : sql`and ${statusIs(sql, statuses)}`}
    ${events === undefined ? sql`` : sql`and d.event_type = any(${[...events]}::text[])`}`
}

/** Whether the delivery `d` is leased to a worker, and so may be on its way at this moment. */
export function isUnderWay (sql: Queryable): Fragment {
  return sql`(d.status = 'pending' and d.leased_by is not null and d.next_attempt_at > now())`
}
