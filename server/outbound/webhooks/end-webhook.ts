import type { DisabledReason, WebhookKind } from '../../../shared/webhook-state.js'
import type { Transaction } from '../../db/client.js'
import { raiseWebhookDisabled } from './disabled-event.js'
import { cancelDeliveries, countWaiting, holdDeliveries } from './waiting-deliveries.js'

interface LockedWebhook {
  kind: WebhookKind
  name: string
  url: string
  events: string[]
  active: boolean
  failing_since: string | null
}

/**
 * Switches a webhook off because of what its receiver does, and raises `webhook.disabled`. Nothing is lost: what waits for
 * it is held until its owner switches it on again.
 *
 * A Zapier subscription, which nobody can switch on again, ends instead. Where its receiver said so itself (410, or the
 * header), Zapier knows. Where it has failed for days, Zapier is told (DELETE of the hook URL), which pauses the Zap for
 * its owner to see; a Zap that looks switched on and receives nothing is what users of others complain about.
 *
 * One that is off already, or has ended, stays as it is and raises nothing, whoever notices at the same time; only that a
 * paused subscription, too, ends when its receiver says so.
 * @param lastError What its last attempt failed with, where it has failed for days: a word such as `timeout`.
 * @returns whether it was switched on until now.
 */
export async function disableWebhook (tx: Transaction, organizationId: string, webhookId: string, reason: DisabledReason, lastError: string | null = null): Promise<boolean> {
  const [webhook] = await tx<LockedWebhook[]>`
    select kind, name, url, events, active, to_char(failing_since at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as failing_since
    from cscx_zapier.outbound_webhooks
    where id = ${webhookId} and organization_id = ${organizationId} and deleted_at is null for no key update`
  if (!webhook || (!webhook.active && webhook.kind === 'custom')) return false
  const waiting = await countWaiting(tx, webhookId)
  await tx`update cscx_zapier.outbound_webhooks set active = false, disabled_reason = ${reason}, updated_at = now() where id = ${webhookId} and organization_id = ${organizationId}`
  if (webhook.kind === 'zapier') await endWebhook(tx, organizationId, webhookId, { tellReceiver: reason === 'failing' })
  else await holdDeliveries(tx, organizationId, webhookId)
  if (!webhook.active) return false
  const { kind, name, url, events, failing_since: failingSince } = webhook
  await raiseWebhookDisabled(tx, { id: webhookId, organizationId, kind, name, url, events, reason, failingSince, lastError, waiting })
  return true
}

/**
 * Ends a webhook: its secrets and headers are wiped, what waits for it or is held is cancelled, its deliveries stay for the
 * record.
 * @param tellReceiver Whether Zapier is to be told, where the webhook is a subscription: true when the end is our side's
 *   doing (see end-notices.ts).
 * @returns whether there was such a webhook that had not ended before.
 */
export async function endWebhook (tx: Transaction, organizationId: string, webhookId: string, { tellReceiver }: { tellReceiver: boolean }): Promise<boolean> {
  const rows = await tx`
    update cscx_zapier.outbound_webhooks set deleted_at = now(), updated_at = now(), active = false,
      secret = '', headers = '{}', ed25519_key = null, retired_keys = '[]',
      end_notice_at = case when kind = 'zapier' and ${tellReceiver} then now() end
    where id = ${webhookId} and organization_id = ${organizationId} and deleted_at is null returning 1`
  if (rows.length === 0) return false
  await cancelDeliveries(tx, organizationId, webhookId)
  return true
}
