import type { DeadLetterSummary } from '../../../shared/delivery.js'
import type { DeadLetterDiscard, Discarded } from '../../../shared/redelivery.js'
import type { Owner } from '../webhooks/webhooks.js'
import type { HistoryContext } from './deliveries.js'
import { newestFirst, ofWebhook, webhooksOf } from './delivery-filter.js'
import { discardSeen } from './discard.js'
import { isoTime } from './iso-time.js'

/** Dead letters of a webhook that are counted, newest first: a console asks for this every few seconds. */
const COUNTED_MAX = 10_000

/** How many dead letters the tenant's webhooks have. */
export async function countDeadLetters ({ database: { sql } }: HistoryContext, { organizationId }: Owner): Promise<DeadLetterSummary> {
  const webhooks = await sql<DeadLetterSummary['webhooks']>`
    select w.id as webhook_id, w.name, c.count, ${isoTime(sql, 'c.oldest')} as oldest, ${isoTime(sql, 'c.newest')} as newest
    from ${webhooksOf(sql, organizationId)}
    cross join lateral (
      select count(*)::int as count, min(l.created_at) as oldest, max(l.created_at) as newest
      from (
        select d.created_at from cscx_zapier.webhook_deliveries d where ${ofWebhook(sql, organizationId, sql`w.id`, { statuses: ['dead_letter'] })} ${newestFirst(sql)} limit ${COUNTED_MAX}
      ) l
    ) c
    where c.count > 0
    order by c.count desc, w.id`
  const count = webhooks.reduce((sum, webhook) => sum + webhook.count, 0)
  return { count, is_whole: webhooks.every((webhook) => webhook.count < COUNTED_MAX), webhooks: [...webhooks] }
}

/** Discards dead letters. @throws ApiProblem conflict when more match than the caller has seen. */
export async function discardDeadLetters ({ database }: HistoryContext, owner: Owner, { webhook_id: webhookId, events, from, to, count }: DeadLetterDiscard): Promise<Discarded> {
  const filter = { statuses: ['dead_letter'] as const, events, from, to }
  return { discarded: await database.sql.begin(async (tx) => await discardSeen(tx, owner.organizationId, webhookId, filter, count)) }
}
