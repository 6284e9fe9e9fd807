import { z } from 'zod'
import { DisabledReason, FAILING_DAYS, WebhookKind } from '../../webhook-state.js'
import { defineEvent } from '../define-event.js'
import { enumeration, id, instantField, integer, nullable, string } from '../fields.js'

/** How far deliveries that wait are counted. */
export const WAITING_COUNTED_MAX = 10_000

export const webhookDisabled = defineEvent({
  name: 'webhook.disabled',
  label: 'Webhook Disabled',
  noun: 'Webhook',
  description: `Triggers when a webhook or Zap is switched off because its receiver is gone or has failed for ${FAILING_DAYS} days.`,
  fields: {
    webhook_id: id('Webhook ID', 'The webhook that was switched off.'),
    webhook_name: string('Webhook Name', 'Name of the webhook.'),
    webhook_kind: enumeration(WebhookKind, 'Webhook Kind', 'custom (made by hand) or zapier (the subscription of a Zap).'),
    webhook_host: nullable(string('Webhook Host', 'Host that the webhook delivers to; the rest of its address may be secret.')),
    webhook_events: z.array(z.string().max(100)).max(100).meta({ title: 'Webhook Events', description: 'Event types that the webhook had selected.' }),
    reason: enumeration(DisabledReason, 'Reason', 'gone (the receiver answered 410), disabled_by_receiver (it asked for it by a header) or failing (no delivery succeeded for days).'),
    explanation: string('Explanation', 'The reason in words, and what can be done.'),
    failing_since: nullable(instantField('Failing Since', 'First failure since the last success; empty when there was none.')),
    last_error: nullable(string('Last Error', 'What the last failure of a failing webhook was, such as http_500 or timeout.')),
    waiting_deliveries: integer('Waiting Deliveries', `Deliveries that waited for the webhook, counted up to ${WAITING_COUNTED_MAX.toLocaleString('en')}. A custom webhook's are kept; a Zap's subscription ends, and they with it.`)
  },
  sample: {
    webhook_id: '0198c4f2-6d1e-7a35-9b0c-3e5f7a9c1d24',
    webhook_name: 'Data warehouse',
    webhook_kind: 'custom',
    webhook_host: 'hooks.acme.com',
    webhook_events: ['health_score.changed', 'customer.updated'],
    reason: 'failing',
    explanation: `Every delivery to it has failed for ${FAILING_DAYS} days. What happens meanwhile is kept until it is switched on again.`,
    failing_since: '2026-01-24T09:58:12.000Z',
    last_error: 'http_500',
    waiting_deliveries: 42
  },
  sources: [{ kind: 'own' }]
})
