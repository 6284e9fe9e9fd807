import type { UnmetCondition } from '../../../shared/filter.js'
import type { DeliveryStatus } from '../../../shared/webhook.js'
import type { DisabledReason, WebhookKind } from '../../../shared/webhook-state.js'
import type { Sql } from '../../db/client.js'
import { isUnderWay } from './delivery-filter.js'
import { isoTime } from './iso-time.js'

/** Deliveries that come before one are counted so far. */
export const BEHIND_MAX = 1_000

/** An event and a webhook of the same organization. */
export interface Pair {
  eventId: string
  webhookId: string
}

/** The delivery of an event to a webhook. Times are ISO 8601 in UTC. */
export interface DeliveryFacts {
  id: string
  status: DeliveryStatus
  under_way: boolean
  ordered: boolean
  attempts: number
  last_error: string | null
  response_status: number | null
  unmet: UnmetCondition | null
  delivered_at: string | null
  /** null while it queues behind its webhook. */
  next_attempt_at: string | null
  is_due: boolean
  /** Others whose turn is before its own, counted up to {@link BEHIND_MAX}; 0 for one that does not queue. */
  behind: number
  last_attempt: { at: string, duration_ms: number } | null
}

/** What a webhook asked for when an event was recorded. */
export interface RevisionFacts {
  events: string[]
  deleted: boolean
}

/** All that is known about what became of an event for a webhook. */
export interface Facts {
  event: { id: string, type: string, is_test: boolean }
  webhook: {
    id: string
    name: string
    kind: WebhookKind
    active: boolean
    disabled_reason: DisabledReason | null
    inactive_since: string | null
    /** null unless it lies in the future. */
    throttled_until: string | null
    created_at: string
    deleted_at: string | null
  }
  delivery: DeliveryFacts | null
  /** The revision in force when the event was recorded; null where there was none yet, or there is a delivery. */
  revision: RevisionFacts | null
}

/**
 * Reads what is known of pairs, in their order; of pairs that are not the organization's, nothing.
 * @param pairs A page's worth: a few hundred at most.
 */
export async function readFacts (sql: Sql, organizationId: string, pairs: readonly Pair[]): Promise<Facts[]> {
  if (pairs.length === 0) return []
  const time = (column: string) => isoTime(sql, column)
  const isQueued = sql`d.status = 'pending' and d.next_attempt_at = 'infinity'`
  const rows = await sql<Array<{ facts: Facts }>>`
    select json_build_object(
      'event', json_build_object('id', e.id, 'type', e.type, 'is_test', e.is_test),
      'webhook', json_build_object('id', w.id, 'name', w.name, 'kind', w.kind, 'active', w.active, 'disabled_reason', w.disabled_reason,
        'inactive_since', ${time('w.inactive_since')}, 'throttled_until', case when w.throttled_until > now() then ${time('w.throttled_until')} end,
        'created_at', ${time('w.created_at')}, 'deleted_at', ${time('w.deleted_at')}),
      'delivery', case when d.id is not null then json_build_object('id', d.id, 'status', d.status, 'under_way', ${isUnderWay(sql)}, 'ordered', d.ordered,
        'attempts', d.attempts, 'last_error', d.last_error, 'response_status', d.response_status, 'unmet', d.unmet, 'delivered_at', ${time('d.delivered_at')},
        'next_attempt_at', case when d.status = 'pending' and d.next_attempt_at < 'infinity' then ${time('d.next_attempt_at')} end,
        'is_due', d.next_attempt_at <= now(), 'behind', b.behind, 'last_attempt', a.last_attempt) end,
      'revision', r.revision) as facts
    from unnest(${pairs.map(({ eventId }) => eventId)}::uuid[], ${pairs.map(({ webhookId }) => webhookId)}::uuid[]) with ordinality as p(event_id, webhook_id, n)
    join cscx_zapier.events e on e.id = p.event_id and e.organization_id = ${organizationId}
    join cscx_zapier.outbound_webhooks w on w.id = p.webhook_id and w.organization_id = ${organizationId}
    left join cscx_zapier.webhook_deliveries d on d.event_id = e.id and d.webhook_id = w.id
    left join lateral (
      select json_build_object('at', ${time('t.started_at')}, 'duration_ms', t.duration_ms) as last_attempt
      from cscx_zapier.delivery_attempts t where t.delivery_id = d.id order by t.number desc, t.started_at desc limit 1
    ) a on true
    left join lateral (
      select json_build_object('events', v.events, 'deleted', v.deleted) as revision
      from cscx_zapier.webhook_revisions v where v.webhook_id = w.id and d.id is null and v.at <= e.created_at order by v.version desc limit 1
    ) r on true
    cross join lateral (
      select count(*)::int as behind from (
        select from cscx_zapier.webhook_deliveries q
        where q.webhook_id = w.id and q.status = 'pending' and q.next_attempt_at = 'infinity' and q.event_id < e.id and ${isQueued}
        union all
        -- What an ordered webhook waits for: the one that is under way, or that failed and is not yet due again.
        select from (
          select q.event_id, q.next_attempt_at from cscx_zapier.webhook_deliveries q
          where q.webhook_id = w.id and q.status = 'pending' and q.ordered and d.ordered and ${isQueued} limit ${BEHIND_MAX}
        ) q where q.next_attempt_at < 'infinity' and q.event_id < e.id
        limit ${BEHIND_MAX}
      ) q
    ) b
    order by p.n`
  return rows.map(({ facts }) => facts)
}
