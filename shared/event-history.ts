import { z } from 'zod'
import { eventNames } from './catalogue/index.js'
import { DeadLetterQuery } from './delivery.js'
import { Filter, UnmetCondition } from './filter.js'
import { PageQuery } from './pagination.js'
import { DisabledReason, WebhookKind } from './webhook-state.js'

/** Query of GET /api/events. `from` and `to` are about when events were recorded, which for posted ones may be long after they occurred. */
export const EventQuery = DeadLetterQuery.pick({ limit: true, cursor: true, event: true, customer_id: true, from: true, to: true })
export type EventQuery = z.output<typeof EventQuery>

/** An event, as lists show it. */
export const EventSummary = z.object({
  id: z.uuid(),
  event: z.string().meta({ description: 'Name of the event type.' }),
  timestamp: z.iso.datetime().meta({ description: 'When it occurred.' }),
  recorded_at: z.iso.datetime().meta({ description: 'When it was recorded: webhooks count as they were then.' }),
  customer_id: z.string().nullable(),
  customer_name: z.string().nullable(),
  is_test: z.boolean().meta({ description: 'Whether it is a sample, sent to one webhook by the test button.' })
})
export type EventSummary = z.infer<typeof EventSummary>

/** An item of GET /api/events. */
export const ListedEvent = EventSummary.extend({
  deliveries: z.record(z.string(), z.int()).meta({ description: 'How many deliveries have which status; of an event with more than 100, the first 100.' })
})
export type ListedEvent = z.infer<typeof ListedEvent>

/**
 * What became of an event for a webhook.
 * Delivered or on its way: `delivered`, `under_way`, `waiting` (for its next attempt), `queued` (for its turn), `throttled`
 * (its receiver wants to be left alone). Not sent: `filtered`, `held` (paused or disabled), `dead_letter`, `discarded`,
 * `ended` (its receiver's answer to this very delivery ended the webhook), `cancelled` (the webhook ended first).
 * No delivery at all: `not_selected`, `created_later`, `ended_before`, `not_recorded`.
 */
export const DecisionCode = z.enum([
  'delivered', 'under_way', 'waiting', 'queued', 'throttled', 'filtered', 'held', 'dead_letter', 'discarded', 'ended', 'cancelled',
  'not_selected', 'created_later', 'ended_before', 'not_recorded'
])
export type DecisionCode = z.infer<typeof DecisionCode>

const time = z.iso.datetime()

/** What a decision rests on; members that have no part in it are left out. */
export const DecisionFacts = z.object({
  attempts: z.int().meta({ description: 'HTTP tries so far.' }),
  last_attempt_at: time,
  last_error: z.string().nullable(),
  response_status: z.int().nullable(),
  duration_ms: z.int().meta({ description: 'How long the last attempt took.' }),
  delivered_at: time,
  next_attempt_at: time,
  throttled_until: time,
  behind: z.int().meta({ description: 'How many deliveries of the webhook queue before it, counted up to 1,000.' }),
  ordered: z.boolean().meta({ description: 'Whether the webhook\'s deliveries come one after the other.' }),
  unmet: UnmetCondition.meta({ description: 'The condition of the filter that did not hold, and what was there.' }),
  inactive_since: time.nullable().meta({ description: 'Since when the webhook is paused or disabled; null when it has been switched on again.' }),
  disabled_reason: DisabledReason.nullable(),
  ended_at: time,
  created_at: time.meta({ description: 'When the webhook was created.' }),
  selected_events: z.array(z.string()).meta({ description: 'The event types that the webhook had selected then.' })
}).partial()
export type DecisionFacts = z.infer<typeof DecisionFacts>

/** What became of an event for one webhook, and why. */
export const Decision = z.object({
  webhook: z.object({ id: z.uuid(), name: z.string(), kind: WebhookKind }),
  code: DecisionCode,
  sentence: z.string().meta({ description: 'The reason in words. Times are UTC.' }),
  delivery_id: z.uuid().nullable(),
  facts: DecisionFacts
})
export type Decision = z.infer<typeof Decision>

/** Query of GET /api/events/:id: a page of its decisions. */
export const DecisionQuery = PageQuery.extend({ limit: PageQuery.shape.limit.default(100) })
export type DecisionQuery = z.output<typeof DecisionQuery>

/** Answer of GET /api/events/:id. */
export const ExplainedEvent = EventSummary.extend({
  data: z.record(z.string(), z.unknown()),
  decisions: z.object({ data: z.array(Decision), next_cursor: z.string().nullable() })
    .meta({ description: 'For each webhook what became of the event, and why: first those that it was meant for, then the others that were there, then those that came later or had ended.' })
})
export type ExplainedEvent = z.infer<typeof ExplainedEvent>

/** Query of GET /api/webhooks/outbound/:id/decisions. */
export const WebhookDecisionQuery = EventQuery.omit({ customer_id: true }).extend({
  code: DecisionCode.optional().meta({ title: 'Decision', description: 'Only events of which this became. A page then looks at 1,000 events at most, and may hold fewer items than there are: go on while there is a next_cursor.' })
})
export type WebhookDecisionQuery = z.output<typeof WebhookDecisionQuery>

/** An item of GET /api/webhooks/outbound/:id/decisions. */
export const WebhookDecision = Decision.extend({ event: EventSummary })
export type WebhookDecision = z.infer<typeof WebhookDecision>

/** Body of POST /api/webhooks/filter-preview. */
export const FilterPreviewRequest = z.strictObject({
  events: z.array(z.enum(eventNames)).min(1).max(100).meta({ title: 'Event Types', description: 'The event types that the filter is for.' }),
  filter: Filter,
  limit: z.int().min(1).max(100).default(25).meta({ title: 'Limit', description: 'How many of the latest events to try (1–100).' })
})
export type FilterPreviewRequest = z.output<typeof FilterPreviewRequest>

/** What a filter does to the latest events. */
export const FilterPreview = z.object({
  source: z.enum(['events', 'samples']).meta({ description: 'The organization\'s latest events, or the catalogue\'s samples where there are none.' }),
  passed: z.int().meta({ description: 'How many of them pass.' }),
  data: z.array(z.object({
    id: z.uuid(),
    event: z.string(),
    timestamp: z.iso.datetime(),
    customer_id: z.string().nullable(),
    customer_name: z.string().nullable(),
    passes: z.boolean(),
    unmet: UnmetCondition.nullable(),
    sentence: z.string().nullable().meta({ description: 'Why it does not pass.' })
  }))
})
export type FilterPreview = z.infer<typeof FilterPreview>
