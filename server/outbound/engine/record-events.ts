import type { Queryable } from '../../db/client.js'

/** An event about to be recorded; its data has passed the event type's schema. */
export interface NewEvent {
  /** UUIDv7. */
  id: string
  organizationId: string
  type: string
  customerId: string | null
  dataJson: string
  /** ISO 8601, UTC. */
  occurredAt: string
}

/** The channel on which workers hear that deliveries are due. */
export const DELIVERIES_CHANNEL = 'cscx_zapier_deliveries'

/**
 * Records events and fans them out: one delivery for each webhook of the tenant that selected the event type. For a paused
 * webhook it is kept until the webhook is switched on; one whose receiver has refused all further events gets none.
 * One statement for the whole batch; run it in the transaction that makes the events true.
 * @returns how many deliveries came of it.
 */
export async function recordEvents (sql: Queryable, events: readonly NewEvent[]): Promise<number> {
  if (events.length === 0) return 0
  const rows = await sql<Array<{ deliveries: number }>>`
    with input as (
      select * from unnest(
        ${events.map((event) => event.id)}::uuid[],
        ${events.map((event) => event.organizationId)}::uuid[],
        ${events.map((event) => event.type)}::text[],
        ${events.map((event) => event.customerId)}::text[],
        ${events.map((event) => event.dataJson)}::text[],
        ${events.map((event) => event.occurredAt)}::text[]
      ) as e(id, organization_id, type, customer_id, data, occurred_at)
    ), recorded as (
      insert into cscx_zapier.events (id, organization_id, type, customer_id, data, occurred_at)
      select id, organization_id, type, customer_id, data::json, occurred_at::timestamptz from input
    ), fanned_out as (
      insert into cscx_zapier.webhook_deliveries (id, organization_id, webhook_id, event_id, event_type, next_attempt_at)
      select cscx_zapier.uuid_v7(), e.organization_id, w.id, e.id, e.type, case when w.active then now() else 'infinity' end
      from input e join cscx_zapier.outbound_webhooks w
        on w.organization_id = e.organization_id and e.type = any(w.events)
        and w.deleted_at is null and (w.active or w.disabled_reason is null)
      order by e.id
      returning 1
    )
    select count(*)::int as deliveries, case when count(*) > 0 then pg_notify(${DELIVERIES_CHANNEL}, '') end from fanned_out`
  return rows[0]?.deliveries ?? 0
}
