import { uuidv7 } from 'uuidv7'
import { webhookDisabled } from '../../../shared/catalogue/events/webhook-disabled.js'
import { DISABLED_SENTENCES, type DisabledReason, type WebhookKind } from '../../../shared/webhook-state.js'
import type { Transaction } from '../../db/client.js'
import { recordEvents } from '../engine/record-events.js'

/** A webhook that was switched off, and why. */
export interface DisabledWebhook {
  id: string
  organizationId: string
  name: string
  kind: WebhookKind
  url: string
  events: readonly string[]
  reason: DisabledReason
  /** ISO 8601, UTC. */
  failingSince: string | null
  lastError: string | null
  waiting: number
}

const NEXT_STEPS: Readonly<Record<WebhookKind, string>> = {
  custom: 'What happens meanwhile is kept until it is switched on again.',
  zapier: 'Its subscription has ended; the Zap subscribes anew when it is turned off and on again.'
}

/**
 * Raises `webhook.disabled` for the organization's webhooks that selected it, but never for the one that was switched off:
 * it would learn of its own failure only after that is mended. Part of the transaction that switches the webhook off.
 */
export async function raiseWebhookDisabled (tx: Transaction, webhook: DisabledWebhook): Promise<void> {
  const data = webhookDisabled.data.parse({
    webhook_id: webhook.id,
    webhook_name: webhook.name,
    webhook_kind: webhook.kind,
    webhook_host: URL.canParse(webhook.url) ? new URL(webhook.url).host : null,
    webhook_events: webhook.events,
    reason: webhook.reason,
    explanation: `${DISABLED_SENTENCES[webhook.reason]} ${NEXT_STEPS[webhook.kind]}`,
    failing_since: webhook.failingSince,
    last_error: webhook.lastError,
    waiting_deliveries: webhook.waiting,
    origin: 'cscx',
    origin_id: null
  })
  const id = uuidv7()
  await recordEvents(tx, [{
    id,
    organizationId: webhook.organizationId,
    type: webhookDisabled.name,
    customerId: null,
    dataJson: JSON.stringify(data),
    occurredAt: new Date().toISOString()
  }])
  await tx`delete from cscx_zapier.webhook_deliveries where event_id = ${id} and webhook_id = ${webhook.id} and organization_id = ${webhook.organizationId}`
}
