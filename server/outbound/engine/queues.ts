import type { Sql } from '../../db/client.js'
import { webhooksOf, type QueuedWebhook } from './taken.js'

/** Webhooks found at once behind which deliveries queue. */
const QUEUES_MAX = 1_000
/** Deliveries that one statement takes out of the queues of webhooks that are off. */
const SETTLED_MAX = 2_000

export interface FoundQueues {
  /** Of webhooks that deliver. */
  queued: QueuedWebhook[]
  /** Ids of webhooks that are switched off, or have ended. */
  off: string[]
  /** After which webhook to go on; undefined when that was all. */
  last: string | undefined
}

/**
 * Finds webhooks behind which deliveries queue: those that another process, or one that is gone, left there. Hops over the
 * index from webhook to webhook, however many deliveries each has.
 * @param after The webhook after which to look; undefined to begin.
 */
export async function findQueues (sql: Sql, after: string | undefined): Promise<FoundQueues> {
  const next = (bound: ReturnType<Sql>) => sql`
    select d.webhook_id from cscx_zapier.webhook_deliveries d
    where d.status = 'pending' and d.next_attempt_at = 'infinity' and d.webhook_id > ${bound}
    order by d.webhook_id limit 1`
  const rows = await sql<Array<{ webhook_id: string, version: number, is_on: boolean }>>`
    with recursive found (webhook_id) as (
      (${next(sql`${after ?? '00000000-0000-0000-0000-000000000000'}::uuid`)})
      union all
      select n.webhook_id from found f cross join lateral (${next(sql`f.webhook_id`)}) n
    ), first as (select webhook_id from found limit ${QUEUES_MAX})
    select f.webhook_id, w.version, w.active and w.deleted_at is null as is_on
    from first f join cscx_zapier.outbound_webhooks w on w.id = f.webhook_id order by 1`
  return {
    queued: webhooksOf(rows.filter((row) => row.is_on)),
    off: rows.filter((row) => !row.is_on).map((row) => row.webhook_id),
    last: rows.length === QUEUES_MAX ? rows.at(-1)?.webhook_id : undefined
  }
}

/**
 * Holds what queues behind webhooks that are switched off, and cancels it behind those that have ended: a fan-out at that
 * very moment leaves it there.
 * @returns how many deliveries; 0 when nothing is left.
 */
export async function settleQueues (sql: Sql, webhookIds: readonly string[]): Promise<number> {
  if (webhookIds.length === 0) return 0
  const rows = await sql`
    update cscx_zapier.webhook_deliveries d set status = case when w.deleted_at is null then 'held' else 'cancelled' end
    from cscx_zapier.outbound_webhooks w
    where w.id = d.webhook_id and not w.active and d.id in (
      select q.id from cscx_zapier.webhook_deliveries q
      where q.webhook_id = any(${[...webhookIds]}::uuid[]) and q.status = 'pending' and q.next_attempt_at = 'infinity'
      limit ${SETTLED_MAX} for update skip locked)
    returning 1`
  return rows.length
}
