import type { Queryable, Sql, Transaction } from '../../db/client.js'
import { placesJson, webhooksOf, type Offer, type QueuedWebhook, type TakenDelivery } from './taken.js'
import { LEASE_SECONDS } from './worker-identity.js'

/** What a claim came to. */
export interface Claimed {
  taken: TakenDelivery[]
  queued: QueuedWebhook[]
  /** How many deliveries were looked at: as many as were asked for means that there may be more. */
  seen: number
  /** Whether some of them were left where they were, for want of room for their data. */
  isCut: boolean
}

interface ClaimedRow {
  id: string
  organization_id: string
  webhook_id: string
  version: number
  is_failing: boolean
  attempts: number
  retry_count: number
  age_ms: number
  event_id: string
  event_type: string
  occurred_at: string
  data: string
  fate: 'taken' | 'queued' | 'other'
  seen: number
}

/** What a claim comes to that finds nothing. */
export const NOTHING_CLAIMED: Claimed = Object.freeze({ taken: [], queued: [], seen: 0, isCut: false })

/**
 * Leases deliveries that are due, oldest first. SKIP LOCKED lets any number of workers claim side by side; the lease is
 * the due time itself moved into the future, so that what a dead worker held comes back without anybody's help. What an
 * offer has no place for queues behind its webhook, out of the way of everybody's claims, so that a thousand deliveries
 * for one slow receiver are looked at once and not again and again.
 * @param limit How many are looked at.
 */
export async function claimDue (sql: Sql, offer: Offer, limit: number): Promise<Claimed> {
  return await lease(sql, offer, sql`
    select d.id, d.webhook_id, d.event_id from cscx_zapier.webhook_deliveries d
    where d.status = 'pending' and d.next_attempt_at <= now() and d.next_attempt_at < 'infinity'
    order by d.next_attempt_at limit ${limit} for update skip locked`)
}

export interface Wanted {
  webhookId: string
  count: number
}

/** Leases deliveries that queue behind webhooks, in the order of their events. Not for ordered webhooks. */
export async function claimQueued (sql: Sql, offer: Offer, wanted: readonly Wanted[]): Promise<Claimed> {
  return await lease(sql, offer, sql`
    select q.id, q.webhook_id, q.event_id
    from unnest(${wanted.map(({ webhookId }) => webhookId)}::uuid[], ${wanted.map(({ count }) => count)}::int[]) as t(webhook_id, count)
    cross join lateral (
      select d.id, d.webhook_id, d.event_id from cscx_zapier.webhook_deliveries d
      where d.webhook_id = t.webhook_id and d.status = 'pending' and d.next_attempt_at = 'infinity'
      order by d.event_id limit t.count for update skip locked
    ) q`)
}

/**
 * Leases the next delivery of an ordered webhook, unless an earlier one is still under way or waits for its retry. The
 * lock keeps two workers from doing so at once: the second's statement must begin after the first's has committed, or it
 * would not see the lease.
 */
export async function claimOrdered (sql: Sql, offer: Offer, webhookId: string): Promise<Claimed> {
  return await sql.begin(async (tx: Transaction) => {
    const [lock] = await tx<Array<{ held: boolean }>>`select pg_try_advisory_xact_lock(hashtextextended('cscx_zapier.ordered', hashtextextended(${webhookId}::text, 0))) as held`
    if (!lock?.held) return NOTHING_CLAIMED
    return await lease(tx, offer, tx`
      select d.id, d.webhook_id, d.event_id from cscx_zapier.webhook_deliveries d
      where d.webhook_id = ${webhookId} and d.status = 'pending' and d.next_attempt_at = 'infinity'
        and not exists (
          select from cscx_zapier.webhook_deliveries o
          where o.webhook_id = ${webhookId} and o.status = 'pending' and o.ordered and o.next_attempt_at < 'infinity')
      order by d.event_id limit 1 for update skip locked`)
  })
}

/** @param candidates A query for `id, webhook_id, event_id` of deliveries that it has locked. */
async function lease (sql: Queryable, offer: Offer, candidates: ReturnType<Queryable>): Promise<Claimed> {
  const rows = await sql<ClaimedRow[]>`
    with locked as materialized (${candidates}), candidate as materialized (
      -- What would be too large together is left where it is, until there is room.
      select * from (
        select l.*, sum(e.size) over (order by l.event_id, l.id rows unbounded preceding) <= greatest(e.size, ${offer.bytes}::int) as fits
        from locked l join cscx_zapier.events e on e.id = l.event_id) sized where fits
    ), offered as materialized (
      select ${placesJson(offer)}::text::jsonb as places
    ), placed as (
      select c.id, w.version, w.failing_since is not null as is_failing, w.throttled_until, case
        when w.deleted_at is not null then 'cancelled'
        when not w.active then 'held'
        when w.throttled_until > now() then 'throttled'
        when row_number() over (partition by c.webhook_id order by c.event_id) > coalesce(((select places from offered) ->> c.webhook_id::text)::int, case when w.kind = 'zapier' or w.rate_per_second is not null then least(1, ${offer.default}::int) else ${offer.default}::int end) then 'queued'
        else 'taken' end as fate
      from candidate c join cscx_zapier.outbound_webhooks w on w.id = c.webhook_id
    ), touched as (
      update cscx_zapier.webhook_deliveries d set
        status = case when p.fate in ('cancelled', 'held') then p.fate else d.status end,
        next_attempt_at = case p.fate
          when 'taken' then now() + ${LEASE_SECONDS}::int * interval '1 second'
          when 'throttled' then p.throttled_until
          else 'infinity' end,
        leased_by = case when p.fate = 'taken' then ${offer.workerId}::int end
      from placed p where d.id = p.id
      returning d.id, d.organization_id, d.webhook_id, d.event_id, d.attempts, d.retry_count, d.due_since, p.version, p.is_failing, p.fate
    )
    select t.id, t.organization_id, t.webhook_id, t.version, t.is_failing, t.attempts, t.retry_count,
      case when t.fate in ('taken', 'queued') then t.fate else 'other' end as fate,
      (select count(*)::int from locked) as seen, (extract(epoch from now() - t.due_since) * 1000)::float8 as age_ms,
      e.id as event_id, e.type as event_type, e.data::text as data,
      to_char(e.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as occurred_at
    from touched t left join cscx_zapier.events e on e.id = t.event_id and t.fate = 'taken'
    order by t.event_id`
  return {
    taken: rows.filter(({ fate }) => fate === 'taken').map(toTaken),
    queued: webhooksOf(rows.filter(({ fate }) => fate === 'queued')),
    seen: rows[0]?.seen ?? 0,
    isCut: (rows[0]?.seen ?? 0) > rows.length
  }
}

function toTaken (row: ClaimedRow): TakenDelivery {
  return {
    id: row.id,
    organizationId: row.organization_id,
    webhookId: row.webhook_id,
    version: row.version,
    isFailing: row.is_failing,
    attempts: row.attempts,
    retryCount: row.retry_count,
    ageMs: row.age_ms,
    event: { id: row.event_id, event: row.event_type, timestamp: row.occurred_at, dataJson: row.data }
  }
}
