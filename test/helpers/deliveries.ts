import { randomBytes } from 'node:crypto'
import type postgres from 'postgres'
import type { DeliveryStatus } from '../../shared/webhook.js'

export interface Seeded {
  eventId: string
  deliveryId: string
}

interface Seed {
  webhookId: string
  count: number
  status: DeliveryStatus
  event?: string
  customerId?: string
  /** When the events were recorded, each a millisecond after the one before; the last hour's when left out. Unix time in milliseconds. */
  at?: number
}

/** A UUIDv7 (RFC 9562 §5.7) of a time. @param at Unix time in milliseconds. */
export function idAt (at: number): string {
  const hex = at.toString(16).padStart(12, '0') + '7' + randomBytes(8).toString('hex').slice(0, 3) + '8' + randomBytes(8).toString('hex').slice(0, 15)
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** Puts deliveries with their events into the history of a webhook, as if they had come and gone, oldest first. */
export async function seedDeliveries (sql: postgres.Sql, { webhookId, count, status, event = 'task.created', customerId, at = Date.now() - 3_600_000 }: Seed): Promise<Seeded[]> {
  const events = Array.from({ length: count }, (_, n) => ({ id: idAt(at + n), at: new Date(at + n).toISOString() }))
  const rows = await sql<Array<{ event_id: string, id: string }>>`
    with input as (
      select t.*, w.organization_id from unnest(${events.map(({ id }) => id)}::uuid[], ${events.map(({ at }) => at)}::timestamptz[]) with ordinality as t(id, at, n)
      cross join cscx_zapier.outbound_webhooks w where w.id = ${webhookId}
    ), recorded as (
      insert into cscx_zapier.events (id, organization_id, type, customer_id, data, occurred_at, created_at)
      select id, organization_id, ${event}, ${customerId ?? null}, json_build_object('task_id', id, 'title', 'Task ' || n), at, at from input
    )
    insert into cscx_zapier.webhook_deliveries (id, organization_id, webhook_id, event_id, event_type, status, next_attempt_at, attempts, retry_count, response_status, last_error, delivered_at, created_at, due_since)
    select cscx_zapier.delivery_id(id), organization_id, ${webhookId}, id, ${event}, ${status}, case when ${status} = 'pending' then now() + interval '1 hour' else 'infinity' end,
      case when ${status} in ('dead_letter', 'delivered', 'pending') then 1 else 0 end, case when ${status} in ('dead_letter', 'pending') then 1 else 0 end,
      case ${status} when 'dead_letter' then 500 when 'delivered' then 200 end, case ${status} when 'dead_letter' then 'http_500' end,
      case when ${status} = 'delivered' then at end, at, at
    from input order by n
    returning event_id, id`
  return rows.map((row) => ({ eventId: row.event_id, deliveryId: row.id }))
}
