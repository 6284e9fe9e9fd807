import type { Transaction } from '../../db/client.js'

/**
 * The receiver wants no more: the webhook is switched off, and what waits for it is cancelled. A Zapier subscription, which
 * nobody can switch on again, ends.
 */
export async function disableWebhook (tx: Transaction, organizationId: string, webhookId: string, reason: string): Promise<void> {
  const rows = await tx<Array<{ kind: string }>>`
    update cscx_zapier.outbound_webhooks set active = false, disabled_reason = ${reason}, updated_at = now()
    where id = ${webhookId} and organization_id = ${organizationId} and deleted_at is null returning kind`
  if (rows[0]?.kind === 'zapier') await endWebhook(tx, organizationId, webhookId)
  else await cancelDeliveries(tx, organizationId, webhookId)
}

/**
 * Ends a webhook: its secret and headers are wiped, what waits for it is cancelled, its deliveries stay for the record.
 * @returns whether there was such a webhook that had not ended before.
 */
export async function endWebhook (tx: Transaction, organizationId: string, webhookId: string): Promise<boolean> {
  const rows = await tx`
    update cscx_zapier.outbound_webhooks set deleted_at = now(), updated_at = now(), active = false, secret = '', headers = '{}'
    where id = ${webhookId} and organization_id = ${organizationId} and deleted_at is null returning 1`
  await cancelDeliveries(tx, organizationId, webhookId)
  return rows.length > 0
}

/** Cancels what waits for a webhook; attempts under way are still recorded. */
async function cancelDeliveries (tx: Transaction, organizationId: string, webhookId: string): Promise<void> {
  await tx`update cscx_zapier.webhook_deliveries set status = 'cancelled', leased_by = null
    where webhook_id = ${webhookId} and organization_id = ${organizationId} and status = 'pending'`
}
