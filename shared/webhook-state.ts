import { z } from 'zod'

/** custom: made by hand; zapier: a subscription of a Zap. */
export const WebhookKind = z.enum(['custom', 'zapier'])
export type WebhookKind = z.infer<typeof WebhookKind>

/** For how long a webhook fails, without one success, before it is switched off. */
export const FAILING_DAYS = 5

/** Why we switched a webhook off: its receiver said 410, or asked for it by header, or has failed for days without one success. */
export const DisabledReason = z.enum(['gone', 'disabled_by_receiver', 'failing'])
export type DisabledReason = z.infer<typeof DisabledReason>

/** The reason as people read it. */
export const DISABLED_SENTENCES: Readonly<Record<DisabledReason, string>> = {
  gone: 'Its receiver answered 410 Gone: there is nobody to deliver to any more.',
  disabled_by_receiver: 'Its receiver asked to be sent no more (webhook-delivery: disable).',
  failing: `Every delivery to it has failed for ${FAILING_DAYS} days.`
}
