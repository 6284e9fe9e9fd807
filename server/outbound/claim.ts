import type { StoredEvent } from '../../shared/envelope.js'
import type { Sql } from '../db/client.js'
import { LEASE_SECONDS } from './worker-identity.js'

/** A delivery that this worker has leased, with all that an attempt needs. */
export interface ClaimedDelivery {
  id: string
  organizationId: string
  webhookId: string
  /** HTTP tries so far. */
  attempts: number
  retryCount: number
  ageMs: number
  event: StoredEvent
  url: string
  /** Sealed. */
  secret: string
  /** Values sealed. */
  headers: Record<string, string>
}

interface ClaimedRow {
  id: string
  organization_id: string
  webhook_id: string
  attempts: number
  retry_count: number
  age_ms: number
  event_id: string
  event_type: string
  occurred_at: string
  data: string
  url: string
  secret: string
  headers: Record<string, string>
}

/**
 * Leases deliveries that are due, oldest first. SKIP LOCKED lets any number of workers claim side by side; the lease is
 * the due time itself moved into the future, so a worker that dies gives back what it held without anybody's help.
 * Deliveries of a paused webhook are parked at `infinity`: kept, and out of the way of everybody's claims.
 */
export async function claimDeliveries (sql: Sql, workerId: number, limit: number): Promise<ClaimedDelivery[]> {
  const rows = await sql<ClaimedRow[]>`
    with due as (
      select id from cscx_zapier.webhook_deliveries
      where status = 'pending' and next_attempt_at <= now()
      order by next_attempt_at limit ${limit} for update skip locked
    ), claimed as (
      update cscx_zapier.webhook_deliveries d set
        next_attempt_at = case when w.active and w.deleted_at is null then now() + ${LEASE_SECONDS}::int * interval '1 second' else 'infinity' end,
        leased_by = case when w.active and w.deleted_at is null then ${workerId}::int end
      from due, cscx_zapier.outbound_webhooks w
      where d.id = due.id and w.id = d.webhook_id
      returning d.id, d.organization_id, d.webhook_id, d.attempts, d.retry_count, d.event_id, d.leased_by,
        d.created_at, w.url, w.secret, w.headers
    )
    select c.id, c.organization_id, c.webhook_id, c.attempts, c.retry_count, c.url, c.secret, c.headers,
      (extract(epoch from now() - c.created_at) * 1000)::float8 as age_ms,
      e.id as event_id, e.type as event_type, e.data::text as data,
      to_char(e.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as occurred_at
    from claimed c join cscx_zapier.events e on e.id = c.event_id
    where c.leased_by is not null
    order by c.id`
  return rows.map((row) => ({
    id: row.id,
    organizationId: row.organization_id,
    webhookId: row.webhook_id,
    attempts: row.attempts,
    retryCount: row.retry_count,
    ageMs: row.age_ms,
    event: { id: row.event_id, event: row.event_type, timestamp: row.occurred_at, dataJson: row.data },
    url: row.url,
    secret: row.secret,
    headers: row.headers
  }))
}

/** Makes due what was parked while a webhook was paused that is active again. @returns how many deliveries. */
export async function unparkDeliveries (sql: Sql): Promise<number> {
  const rows = await sql`
    update cscx_zapier.webhook_deliveries d set next_attempt_at = now()
    from cscx_zapier.outbound_webhooks w
    where w.id = d.webhook_id and w.active and w.deleted_at is null and d.status = 'pending' and d.next_attempt_at = 'infinity'
    returning 1`
  return rows.length
}
