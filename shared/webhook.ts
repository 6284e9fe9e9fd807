import { z } from 'zod'
import { eventNames } from './catalogue/index.js'
import { LINE_MAX } from './catalogue/fields.js'

/** Shown in place of a header value that looks like a credential; sent back unchanged, it keeps the value. */
export const MASK = '••••••••'

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/
const HEADER_VALUE = /^[\t\x20-\x7e]{0,2000}$/

/** Longest webhook URL, in characters. */
export const URL_MAX = 2048

const EventTypes = z.array(z.enum(eventNames)).min(1).max(100)
  .transform((names) => [...new Set(names)])
  .meta({ title: 'Event Types', description: 'Names of the event types to deliver.' })

const Headers = z.record(z.string().regex(HEADER_NAME, 'Not a header name'), z.string().refine((value) => value === MASK || HEADER_VALUE.test(value), 'Not a header value: printable ASCII, at most 2,000 characters'))
  .refine((headers) => Object.keys(headers).length <= 20, 'At most 20 headers')
  .refine((headers) => new Set(Object.keys(headers).map((name) => name.toLowerCase())).size === Object.keys(headers).length, 'A header is there twice: names differ in more than case')
  .meta({ title: 'Headers', description: 'Further request headers; values are stored encrypted, and those that look like credentials are shown masked.' })

const Url = z.string().trim().min(1).max(URL_MAX).meta({ title: 'URL', description: 'Where to POST events: an https address on the public internet.' })
const Name = z.string().trim().min(1).max(LINE_MAX).meta({ title: 'Name', description: 'What people call the webhook.' })
const Active = z.boolean().meta({ title: 'Active', description: 'Whether events are delivered. While it is false they are kept, not dropped.' })

/** Body of POST /api/webhooks/outbound. */
export const NewWebhook = z.strictObject({ name: Name, url: Url, events: EventTypes, headers: Headers.default({}), active: Active.default(true) })
export type NewWebhook = z.output<typeof NewWebhook>

/** Body of PUT /api/webhooks/outbound/:id; members left out stay as they are. */
export const WebhookChanges = z.strictObject({ name: Name.optional(), url: Url.optional(), events: EventTypes.optional(), headers: Headers.optional(), active: Active.optional() })
  .refine((changes) => Object.keys(changes).length > 0, 'Give at least one member to change')
export type WebhookChanges = z.output<typeof WebhookChanges>

/** Body of POST /api/zapier/subscribe (REST Hooks). */
export const NewSubscription = z.strictObject({
  event: z.enum(eventNames).meta({ title: 'Event Type', description: 'The event type to subscribe to.' }),
  target_url: Url
})
export type NewSubscription = z.output<typeof NewSubscription>

/** custom: made by hand; zapier: a subscription of a Zap. */
export const WebhookKind = z.enum(['custom', 'zapier'])
export type WebhookKind = z.infer<typeof WebhookKind>

/** A webhook as the API shows it. */
export const WebhookView = z.object({
  id: z.uuid(),
  kind: WebhookKind,
  name: z.string(),
  url: z.string(),
  events: z.array(z.string()),
  headers: z.record(z.string(), z.string()),
  active: z.boolean(),
  disabled_reason: z.string().nullable(),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime()
})
export type WebhookView = z.infer<typeof WebhookView>

const secret = z.string().meta({ description: 'The signing secret (whsec_…). Shown this once.' })

export const CreatedWebhook = WebhookView.extend({ secret })
export const CreatedSubscription = z.object({ id: z.uuid(), event: z.string(), target_url: z.string(), secret, created_at: z.iso.datetime() })
export type CreatedSubscription = z.infer<typeof CreatedSubscription>

/**
 * pending: waits for its next attempt (or is leased to a worker); delivered: the receiver said 2xx;
 * dead_letter: out of attempts; cancelled: its webhook ended.
 */
export const DeliveryStatus = z.enum(['pending', 'delivered', 'dead_letter', 'cancelled'])
export type DeliveryStatus = z.infer<typeof DeliveryStatus>

/** One HTTP try, as the API shows it. */
export const AttemptView = z.object({
  number: z.int(),
  started_at: z.iso.datetime(),
  duration_ms: z.int(),
  response_status: z.int().nullable(),
  response_body: z.string().nullable(),
  error: z.string().nullable(),
  error_detail: z.string().nullable()
})

/** One delivery, as the API shows it. */
export const DeliveryView = z.object({
  id: z.uuid(),
  event_id: z.uuid(),
  event: z.string(),
  status: DeliveryStatus,
  is_test: z.boolean(),
  retry_count: z.int(),
  response_status: z.int().nullable(),
  response_body: z.string().nullable(),
  error: z.string().nullable(),
  created_at: z.iso.datetime(),
  delivered_at: z.iso.datetime().nullable(),
  next_attempt_at: z.iso.datetime().nullable().meta({ description: 'When it is tried next; null when it is not, or while its webhook is paused.' }),
  payload: z.record(z.string(), z.unknown()).meta({ description: 'The event\'s data.' }),
  attempts: z.array(AttemptView)
})
export type DeliveryView = z.infer<typeof DeliveryView>

/** Body of POST /api/webhooks/outbound/:id/test. */
export const TestRequest = z.strictObject({
  event: z.enum(eventNames).optional().meta({ title: 'Event Type', description: 'Whose sample to send; the webhook\'s first event type when left out.' })
})
