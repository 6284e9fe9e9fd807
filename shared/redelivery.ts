import { z } from 'zod'
import { EventNames, From, To } from './delivery.js'

/** redeliver: deliveries that a filter selects; catch_up: what a webhook missed while it was paused, disabled or gone. */
export const RedeliveryKind = z.enum(['redeliver', 'catch_up'])
export type RedeliveryKind = z.infer<typeof RedeliveryKind>

/** cancelled: by its owner, or because its webhook was paused, disabled or deleted meanwhile. */
export const RedeliveryStatus = z.enum(['running', 'done', 'cancelled'])
export type RedeliveryStatus = z.infer<typeof RedeliveryStatus>

/** What may be redelivered by filter: what rests. Pending ones come anyway; held ones are what a catch-up is for. */
export const RedeliverableStatus = z.enum(['dead_letter', 'delivered', 'discarded', 'cancelled', 'filtered'])
export type RedeliverableStatus = z.infer<typeof RedeliverableStatus>

const Statuses = z.array(RedeliverableStatus).min(1).max(RedeliverableStatus.options.length)
  .transform((statuses) => [...new Set(statuses)])
  .meta({ title: 'Statuses', description: 'Which deliveries to take; dead letters when left out.' })
const WebhookId = z.uuid().meta({ title: 'Webhook', description: 'Only deliveries of this webhook; of all when left out.' })

/** Redeliveries a second: enough by default not to be noticed, and slow enough to think better of it. */
export const PACE_DEFAULT = 10
/** For what was held while an owner had paused his webhook for a while. */
export const PACE_QUICK = 100
export const PACE_MIN = 0.1
export const PACE_MAX = 1_000
const PerSecond = z.number().min(PACE_MIN).max(PACE_MAX).meta({ title: 'Per Second', description: 'How many to make due a second, for each webhook.' })

/** Which deliveries a redelivery takes, as stored. */
export const RedeliverySelection = z.strictObject({
  statuses: z.array(RedeliverableStatus).optional(),
  events: z.array(z.string()).optional(),
  from: z.iso.datetime({ offset: true }).optional(),
  to: z.iso.datetime({ offset: true }).optional()
})
export type RedeliverySelection = z.infer<typeof RedeliverySelection>

/** Body of POST /api/redeliveries, and of its preview. */
export const NewRedelivery = z.strictObject({
  webhook_id: WebhookId.optional(),
  statuses: Statuses.default(['dead_letter']),
  events: EventNames.optional(),
  from: From.optional(),
  to: To.optional(),
  per_second: PerSecond.default(PACE_DEFAULT)
})
export type NewRedelivery = z.output<typeof NewRedelivery>

/** Deliveries that one request discards at most: of more, narrow it down by time. */
export const DISCARD_MAX = 100_000

/** A number of deliveries that the caller has seen, as confirmation. */
const Confirmed = z.int().min(0).max(DISCARD_MAX).meta({ title: 'Count', description: 'How many the preview showed. When more match by now, nothing is done.' })

/** Body of POST /api/dead-letters/discard. */
export const DeadLetterDiscard = z.strictObject({
  webhook_id: WebhookId.optional(),
  events: EventNames.optional(),
  from: From.optional(),
  to: To.optional(),
  count: Confirmed
})
export type DeadLetterDiscard = z.output<typeof DeadLetterDiscard>

/** Body of POST /api/webhooks/outbound/:id/missed/discard. */
export const MissedDiscard = z.strictObject({ to: To.optional(), count: Confirmed })

export const Discarded = z.object({ discarded: z.int().meta({ description: 'How many deliveries were discarded.' }) })
export type Discarded = z.infer<typeof Discarded>

/** Query of GET /api/webhooks/outbound/:id/missed. */
export const MissedQuery = z.object({ from: From.optional(), to: To.optional() })
export type MissedQuery = z.output<typeof MissedQuery>

/** Body of POST /api/webhooks/outbound/:id/catch-up. */
export const CatchUp = z.strictObject({ from: From.optional(), per_second: PerSecond.default(PACE_DEFAULT) })

const oldest = z.iso.datetime().nullable().meta({ description: 'When the first of them was recorded; null when there are none.' })
const newest = z.iso.datetime().nullable()
const perEventType = z.array(z.object({ event: z.string(), count: z.int() })).meta({ description: 'How many of each event type, most first.' })

/** What a redelivery would do. */
export const RedeliveryPreview = z.object({
  count: z.int().meta({ description: 'How many deliveries would be made due.' }),
  oldest,
  newest,
  webhooks: z.array(z.object({ webhook_id: z.uuid(), name: z.string(), count: z.int() })).meta({ description: 'How many of each webhook, most first.' }),
  events: perEventType,
  left_out: z.int().meta({ description: 'How many more match, but belong to a webhook that is paused, disabled or deleted.' }),
  seconds: z.number().meta({ description: 'How long making them due takes at the pace.' })
})
export type RedeliveryPreview = z.infer<typeof RedeliveryPreview>

/** What a webhook has missed. */
export const MissedView = z.object({
  count: z.int().meta({ description: 'How many events a catch-up would deliver: held and gone by.' }),
  held: z.int().meta({ description: 'Deliveries held while the webhook was paused or disabled.' }),
  gone_by: z.int().meta({ description: 'Events from while a Zapier subscription that this one takes the place of had ended, or which it never acknowledged.' }),
  acknowledged: z.int().meta({ description: 'Events of that time that were acknowledged, and so are left out.' }),
  oldest,
  newest,
  events: perEventType,
  is_whole: z.boolean().meta({ description: 'Whether all was counted: counting ends after 100,000 deliveries, and 100,000 events gone by.' })
})
export type MissedView = z.infer<typeof MissedView>

/** A redelivery in a list. */
export const RedeliverySummary = z.object({
  id: z.uuid(),
  kind: RedeliveryKind,
  webhook_id: z.uuid(),
  selection: RedeliverySelection,
  status: RedeliveryStatus,
  per_second: z.number(),
  total: z.int().meta({ description: 'How many there were when it began; a catch-up adds the events gone by as it finds them.' }),
  released: z.int().meta({ description: 'How many it has made due so far.' }),
  created_at: z.iso.datetime(),
  finished_at: z.iso.datetime().nullable(),
  estimated_end: z.iso.datetime().nullable().meta({ description: 'When the last one is made due at this pace; null when it is over. A receiver that does not keep up delays it.' })
})
export type RedeliverySummary = z.infer<typeof RedeliverySummary>

/** A redelivery with what became of those that it has made due and no later redelivery has taken. */
export const RedeliveryView = RedeliverySummary.extend({
  delivered: z.int(),
  failed: z.int().meta({ description: 'How many are dead letters again.' }),
  pending: z.int().meta({ description: 'How many wait for an attempt.' })
})
export type RedeliveryView = z.infer<typeof RedeliveryView>

/** Answer of POST /api/redeliveries: one redelivery for each webhook, so that none waits for another's receiver. */
export const StartedRedeliveries = z.object({ data: z.array(RedeliverySummary) })
