import { WAITING_COUNTED_MAX } from '../../../shared/catalogue/events/webhook-disabled.js'
import type { Database, Queryable, Transaction } from '../../db/client.js'

/** Deliveries that one statement holds or cancels at most. */
const BATCH = 5_000
/** Ended webhooks that one round of {@link cancelLeftovers} looks after at most. */
const ENDED_MAX = 100

/*
 * What waits for a webhook is found by three partial indexes, each of which holds waiting deliveries only: a webhook's
 * history may be a thousand times as long.
 */
const queued = (sql: Queryable, webhookId: string) => sql`
  select id from cscx_zapier.webhook_deliveries where webhook_id = ${webhookId}::uuid and status = 'pending' and next_attempt_at = 'infinity'`
const planned = (sql: Queryable, webhookId: string) => sql`
  select id from cscx_zapier.webhook_deliveries where webhook_id = ${webhookId}::uuid and status = 'pending' and next_attempt_at < 'infinity'`
const held = (sql: Queryable, webhookId: string) => sql`
  select id from cscx_zapier.webhook_deliveries where webhook_id = ${webhookId}::uuid and status = 'held'`

/** How many deliveries wait for a webhook, those under way included; counted up to {@link WAITING_COUNTED_MAX}. */
export async function countWaiting (tx: Transaction, webhookId: string): Promise<number> {
  const [row] = await tx<Array<{ count: number }>>`
    select count(*)::int as count from (
      ${planned(tx, webhookId)} union all ${queued(tx, webhookId)} union all ${held(tx, webhookId)} limit ${WAITING_COUNTED_MAX}
    ) waiting`
  return row?.count ?? 0
}

/**
 * Holds what waits for a webhook that was switched off: it is kept, and nobody's to send. An attempt under way is still
 * recorded, but decides nothing any more. At most {@link BATCH} deliveries, and none that somebody else works on at this
 * moment: two workers that record attempts of the same webhook would otherwise wait for each other for ever. Workers
 * hold the others when they claim them.
 * @returns how many.
 */
export async function holdDeliveries (tx: Transaction, organizationId: string, webhookId: string): Promise<number> {
  const rows = await tx`
    update cscx_zapier.webhook_deliveries d set status = 'held', next_attempt_at = 'infinity', leased_by = null
    where d.id in (
      select p.id from cscx_zapier.webhook_deliveries p
      where p.id in (${planned(tx, webhookId)} union all ${queued(tx, webhookId)} limit ${BATCH})
        and p.organization_id = ${organizationId} and p.status = 'pending'
      for update skip locked)
    returning 1`
  return rows.length
}

/**
 * Cancels what waits for a webhook that has ended, or was held for it; as {@link holdDeliveries} does it. Workers cancel
 * the others that are pending when they claim them, {@link cancelLeftovers} those that are held.
 * @returns how many.
 */
export async function cancelDeliveries (tx: Queryable, organizationId: string, webhookId: string): Promise<number> {
  const rows = await tx`
    update cscx_zapier.webhook_deliveries d set status = 'cancelled', next_attempt_at = 'infinity', leased_by = null
    where d.id in (
      select p.id from cscx_zapier.webhook_deliveries p
      where p.id in (${planned(tx, webhookId)} union all ${queued(tx, webhookId)} union all ${held(tx, webhookId)} limit ${BATCH})
        and p.organization_id = ${organizationId} and p.status in ('pending', 'held')
      for update skip locked)
    returning 1`
  return rows.length
}

/**
 * Cancels what is held for webhooks that have ended: more than one statement's worth, or left by a fan-out at that moment.
 * Hops over the index from webhook to webhook, however many deliveries each has.
 * @returns how many deliveries; 0 when none is left.
 */
export async function cancelLeftovers ({ sql }: Pick<Database, 'sql'>): Promise<number> {
  const next = (bound: ReturnType<typeof sql>) => sql`
    select d.webhook_id from cscx_zapier.webhook_deliveries d
    where d.status = 'held' and d.webhook_id > ${bound} order by d.webhook_id limit 1`
  const ended = await sql<Array<{ id: string, organization_id: string }>>`
    with recursive found (webhook_id) as (
      (${next(sql`'00000000-0000-0000-0000-000000000000'::uuid`)})
      union all
      select n.webhook_id from found f cross join lateral (${next(sql`f.webhook_id`)}) n
    )
    select w.id, w.organization_id from found f join cscx_zapier.outbound_webhooks w on w.id = f.webhook_id
    where w.deleted_at is not null limit ${ENDED_MAX}`
  let cancelled = 0
  for (const { id, organization_id: organizationId } of ended) cancelled += await cancelDeliveries(sql, organizationId, id)
  return cancelled
}
