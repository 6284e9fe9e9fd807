import type { Transaction } from '../../db/client.js'
import { ApiProblem } from '../../problem.js'
import { ofWebhook, webhooksOf, type DeliveryFilter } from './delivery-filter.js'
import { withinTime } from './time-limit.js'

/**
 * Discards the deliveries that a filter selects, if they are no more than somebody has seen: all of them, or none.
 * @param webhookId Those of all webhooks when undefined.
 * @param count How many he has seen.
 * @throws ApiProblem conflict when more match; validation_failed when there is too much.
 */
export async function discardSeen (tx: Transaction, organizationId: string, webhookId: string | undefined, filter: DeliveryFilter, count: number): Promise<number> {
  const [row] = await withinTime(tx, async () => await tx<[{ seen: number, discarded: number }]>`
    with chosen as materialized (
      select d.id, d.status from ${webhooksOf(tx, organizationId, webhookId)}
      cross join lateral (select d.id, d.status from cscx_zapier.webhook_deliveries d where ${ofWebhook(tx, organizationId, tx`w.id`, filter)} limit ${count + 1}) d
      limit ${count + 1}
    ), discarded as (
      update cscx_zapier.webhook_deliveries d set status = 'discarded'
      from chosen c where d.id = c.id and d.status = c.status and (select count(*) from chosen) <= ${count} returning 1
    )
    select (select count(*)::int from chosen) as seen, (select count(*)::int from discarded) as discarded`)
  if (row.seen > count) throw moreThanSeen(count)
  return row.discarded
}

export function moreThanSeen (count: number): ApiProblem {
  const detail = `More than ${count} match by now: look at the preview again`
  return new ApiProblem('conflict', detail, { errors: [{ pointer: '/count', detail, code: 'count_changed' }] })
}
