import { z } from 'zod'
import { eventNames } from './catalogue/index.js'
import { PageQuery } from './pagination.js'
import { AttemptView, DeliveryStatus, DeliveryView } from './webhook.js'

/** One or several values of a query parameter, which may be repeated. */
const several = <T extends z.ZodType<string, string>>(item: T, max: number) => z.union([item.transform((one) => [one]), z.array(item).min(1).max(max)])

const time = z.iso.datetime({ offset: true })

/** Selections by event type and time, as lists and redeliveries have them. */
export const EventNames = z.array(z.enum(eventNames)).min(1).max(100).meta({ title: 'Event Types', description: 'Only of these event types.' })
export const From = time.meta({ title: 'From', description: 'Only events recorded at this time or later.' })
export const To = time.meta({ title: 'To', description: 'Only events recorded before this time.' })

/** Query of GET /api/dead-letters. */
export const DeadLetterQuery = PageQuery.extend({
  webhook_id: z.uuid().optional().meta({ title: 'Webhook', description: 'Only of this webhook.' }),
  event: several(z.enum(eventNames), 100).optional().meta({ title: 'Event Type', description: 'Only of these event types; may be repeated.' }),
  event_id: z.uuid().optional().meta({ title: 'Event ID', description: 'Only of this event.' }),
  customer_id: z.string().min(1).max(200).optional().meta({ title: 'Customer ID', description: 'Only of events about this customer.' }),
  from: From.optional(),
  to: To.optional()
})
export type DeadLetterQuery = z.output<typeof DeadLetterQuery>

/** Query of GET /api/deliveries. */
export const DeliveryQuery = DeadLetterQuery.extend({
  status: several(DeliveryStatus, DeliveryStatus.options.length).optional().meta({ title: 'Status', description: 'Only with one of these statuses; may be repeated.' })
})
export type DeliveryQuery = z.output<typeof DeliveryQuery>

/** One HTTP try with all that is kept of it. */
export const AttemptDetail = AttemptView.extend({
  request_headers: z.record(z.string(), z.string()).nullable().meta({ description: 'As sent; values that are credentials are masked.' }),
  response_headers: z.record(z.string(), z.string()).nullable()
})

/** One delivery with its latest attempts, up to 100, and up to 16 KB of each response. */
export const DeliveryDetail = DeliveryView.extend({ attempts: z.array(AttemptDetail) })
export type DeliveryDetail = z.infer<typeof DeliveryDetail>

/** How many dead letters there are. */
export const DeadLetterSummary = z.object({
  count: z.int(),
  is_whole: z.boolean().meta({ description: 'Whether all were counted: counting ends at 10,000 a webhook, newest first.' }),
  webhooks: z.array(z.object({ webhook_id: z.uuid(), name: z.string(), count: z.int(), oldest: z.iso.datetime(), newest: z.iso.datetime() }))
    .meta({ description: 'Webhooks that have some, most first; oldest and newest are when the deliveries were made.' })
})
export type DeadLetterSummary = z.infer<typeof DeadLetterSummary>
