import type { StoredEvent } from '../../../shared/envelope.js'
import type { Sql } from '../../db/client.js'
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
  leased: boolean
}

/**
 * Leases deliveries that are due, oldest first. SKIP LOCKED lets any number of workers claim side by side; the lease is
 * the due time itself moved into the future, so a worker that dies gives back what it held without anybody's help.
 * Deliveries of a paused webhook are parked at `infinity`: kept, and out of the way of everybody's claims. Those of a
 * deleted one, which a fan-out at the moment of its deletion may leave, are cancelled.
 * @returns what is leased, and how many due deliveries were looked at: as many as `limit` means that more may be due.
 */
export async function claimDeliveries (sql: Sql, workerId: number, limit: number): Promise<{ claimed: ClaimedDelivery[], seen: number }> {
  const rows = await sql<ClaimedRow[]>`
    with due as (
      select id from cscx_zapier.webhook_deliveries
      where status = 'pending' and next_attempt_at <= now()
      order by next_attempt_at limit ${limit} for update skip locked
    ), touched as (
      update cscx_zapier.webhook_deliveries d set
        status = case when w.deleted_at is null then d.status else 'cancelled' end,
        next_attempt_at = case when w.active and w.deleted_at is null then now() + ${LEASE_SECONDS}::int * interval '1 second' else 'infinity' end,
        leased_by = case when w.active and w.deleted_at is null then ${workerId}::int end
      from due, cscx_zapier.outbound_webhooks w
      where d.id = due.id and w.id = d.webhook_id
      returning d.id, d.organization_id, d.webhook_id, d.attempts, d.retry_count, d.event_id, d.leased_by,
        d.created_at, w.url, w.secret, w.headers
    )
    select t.id, t.organization_id, t.webhook_id, t.attempts, t.retry_count, t.url, t.secret, t.headers, t.leased_by is not null as leased,
      (extract(epoch from now() - t.created_at) * 1000)::float8 as age_ms,
      e.id as event_id, e.type as event_type, e.data::text as data,
      to_char(e.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as occurred_at
    from touched t join cscx_zapier.events e on e.id = t.event_id
    order by t.id`
  return { claimed: rows.filter(({ leased }) => leased).map(toDelivery), seen: rows.length }
}

function toDelivery (row: ClaimedRow): ClaimedDelivery {
  return {
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
  }
}

/** Parked deliveries that one statement makes due. */
const UNPARK_BATCH = 2_000

/**
 * Makes due what was parked while a webhook was paused that is active again; a bounded number at a time.
 * @returns how many deliveries; {@link UNPARK_BATCH} means that there may be more.
 */
export async function unparkDeliveries (sql: Sql): Promise<number> {
  const rows = await sql`
    update cscx_zapier.webhook_deliveries set next_attempt_at = now()
    where id in (
      select d.id from cscx_zapier.webhook_deliveries d join cscx_zapier.outbound_webhooks w on w.id = d.webhook_id
      where d.status = 'pending' and d.next_attempt_at = 'infinity' and w.active and w.deleted_at is null
      limit ${UNPARK_BATCH} for update of d skip locked)
    returning 1`
  return rows.length
}
