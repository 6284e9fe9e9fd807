import type { DeliveryStatus } from '../../../shared/webhook.js'
import type { Queryable } from '../../db/client.js'
import { DELIVERIES_CHANNEL } from '../engine/record-events.js'

interface Chosen {
  organizationId: string
  ids: readonly string[]
  /** Those that have another status by now are left alone. */
  statuses: readonly DeliveryStatus[]
  /** The redelivery that does it; null for a single one. */
  redeliveryId: string | null
}

/**
 * Makes deliveries due again, as if they were new: their retry schedule begins anew, the numbers of their attempts go on,
 * and the id that receivers know them by stays. They queue behind their webhook where it is ordered, and wait where its
 * receiver asked to be left alone. Those whose webhook is switched off or has ended stay as they are.
 * @returns how many.
 */
export async function makeDue (sql: Queryable, { organizationId, ids, statuses, redeliveryId }: Chosen): Promise<number> {
  const [row] = await sql<Array<{ count: number }>>`
    with made as (
      update cscx_zapier.webhook_deliveries d set status = 'pending', due_since = now(), retry_count = 0, leased_by = null, redelivery_id = ${redeliveryId},
        ordered = w.ordered, next_attempt_at = case when w.ordered then 'infinity' else greatest(now(), w.throttled_until) end
      from cscx_zapier.outbound_webhooks w
      where d.id = any(${[...ids]}::uuid[]) and d.organization_id = ${organizationId} and d.status = any(${[...statuses]}::text[])
        and w.id = d.webhook_id and w.active and w.deleted_at is null
      returning d.ordered
    )
    select count(*)::int as count, case when count(*) > 0 then pg_notify(${DELIVERIES_CHANNEL}, case when bool_or(ordered) then 'queued' else 'due' end) end
    from made`
  return row?.count ?? 0
}
