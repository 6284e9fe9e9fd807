import type { DeliveryDetail } from '../../../shared/delivery.js'
import type { DeliveryStatus } from '../../../shared/webhook.js'
import type { Transaction } from '../../db/client.js'
import { ApiProblem } from '../../problem.js'
import { DELIVERIES_CHANNEL } from '../engine/record-events.js'
import type { Owner } from '../webhooks/webhooks.js'
import { getDelivery, type HistoryContext } from './deliveries.js'
import { isUnderWay } from './delivery-filter.js'
import { makeDue } from './make-due.js'

interface LockedDelivery {
  status: DeliveryStatus
  under_way: boolean
  /** Waits for older ones of an ordered webhook. */
  in_order: boolean
  active: boolean
  ended: boolean
}

/**
 * Makes a delivery due again, whatever became of it; also one that was delivered, for a receiver that lost it. Where its
 * webhook is paused or disabled this is refused rather than held: whoever asks for it expects it to be sent now, and a
 * dead letter that silently became a held one would be gone with the next "discard what was missed".
 * @throws ApiProblem not_found; conflict while it is under way, and when its webhook is switched off or has ended.
 */
export async function redeliver (context: HistoryContext, owner: Owner, id: string): Promise<DeliveryDetail> {
  await context.database.sql.begin(async (tx) => {
    const delivery = await lockDelivery(tx, owner, id)
    refuseUnsendable(delivery)
    await makeDue(tx, { organizationId: owner.organizationId, ids: [id], statuses: [delivery.status], redeliveryId: null })
  })
  return await getDelivery(context, owner, id)
}

/**
 * Has a delivery that waits for its next attempt tried now, or as soon as its receiver's Retry-After allows. Its retry
 * schedule goes on from where it is.
 * @throws ApiProblem not_found; conflict when it waits for no attempt, is under way, has older ones of an ordered webhook
 *   before it, or its webhook is switched off.
 */
export async function retryNow (context: HistoryContext, owner: Owner, id: string): Promise<DeliveryDetail> {
  await context.database.sql.begin(async (tx) => {
    const delivery = await lockDelivery(tx, owner, id)
    if (delivery.status !== 'pending') throw new ApiProblem('conflict', `It waits for no attempt (its status is ${delivery.status}): redeliver it instead`)
    refuseUnsendable(delivery)
    if (delivery.in_order) throw new ApiProblem('conflict', 'Its webhook is ordered, and older deliveries come before it')
    await tx`
      update cscx_zapier.webhook_deliveries d set next_attempt_at = greatest(now(), w.throttled_until), leased_by = null
      from cscx_zapier.outbound_webhooks w
      where d.id = ${id} and d.organization_id = ${owner.organizationId} and w.id = d.webhook_id`
    await tx`select pg_notify(${DELIVERIES_CHANNEL}, 'due')`
  })
  return await getDelivery(context, owner, id)
}

/**
 * Discards a dead letter, or a delivery that is held: it is kept for the record, and nothing takes it up unless asked for.
 * May be repeated.
 * @throws ApiProblem not_found; conflict when it is neither.
 */
export async function discardDelivery (context: HistoryContext, owner: Owner, id: string): Promise<DeliveryDetail> {
  await context.database.sql.begin(async (tx) => {
    const { status } = await lockDelivery(tx, owner, id)
    if (status === 'discarded') return
    if (status !== 'dead_letter' && status !== 'held') throw new ApiProblem('conflict', `Only dead letters and held deliveries can be discarded; this one is ${status}`)
    await tx`update cscx_zapier.webhook_deliveries set status = 'discarded' where id = ${id} and organization_id = ${owner.organizationId}`
  })
  return await getDelivery(context, owner, id)
}

async function lockDelivery (tx: Transaction, { organizationId }: Owner, id: string): Promise<LockedDelivery> {
  const [delivery] = await tx<LockedDelivery[]>`
    select d.status, ${isUnderWay(tx)} as under_way, w.ordered and d.next_attempt_at = 'infinity' as in_order, w.active, w.deleted_at is not null as ended
    from cscx_zapier.webhook_deliveries d join cscx_zapier.outbound_webhooks w on w.id = d.webhook_id
    where d.id = ${id} and d.organization_id = ${organizationId} for update of d`
  if (!delivery) throw new ApiProblem('not_found', 'There is no such delivery')
  return delivery
}

/** @throws ApiProblem conflict when the delivery is being sent, or its webhook takes nothing. */
function refuseUnsendable ({ under_way: isSent, active, ended }: LockedDelivery): void {
  if (isSent) throw new ApiProblem('conflict', 'It is being sent at this moment')
  if (ended) throw new ApiProblem('conflict', 'Its webhook has been deleted')
  if (!active) throw new ApiProblem('conflict', 'Its webhook is paused or disabled: switch it on first')
}
