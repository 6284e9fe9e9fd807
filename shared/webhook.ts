import { z } from 'zod'
import { eventNames } from './catalogue/index.js'
import { LINE_MAX } from './catalogue/fields.js'
import { Filter, UnmetCondition } from './filter.js'
import { KeyView, PublicKeyView, SignatureScheme, SignatureSchemes } from './webhook-keys.js'
import { DisabledReason, WebhookKind } from './webhook-state.js'

export { DisabledReason, WebhookKind }

/** Shown in place of a header value that looks like a credential; sent back unchanged, it keeps the value. */
export const MASK = '••••••••'

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/
const HEADER_VALUE = /^[\t\x20-\x7e]{0,2000}$/

/** Names that a custom header may not take: those that we set, and those that belong to the connection (RFC 9110 §7.6.1). */
const RESERVED_HEADER = /^(host|content-length|content-type|transfer-encoding|connection|keep-alive|proxy-.*|te|trailer|upgrade|expect|user-agent|webhook-.*|x-cscx-.*)$/i

/** Longest webhook URL, in characters. */
export const URL_MAX = 2048

const EventTypes = z.array(z.enum(eventNames)).min(1).max(100)
  .transform((names) => [...new Set(names)])
  .meta({ title: 'Event Types', description: 'Names of the event types to deliver.' })

/** Checks of an object that hold whatever else is wrong in it: one answer names every wrong field. */
const isParsedObject = ({ value }: { value: unknown }) => typeof value === 'object' && value !== null

const Headers = z.record(z.string().regex(HEADER_NAME, 'Not a header name'), z.string().refine((value) => value === MASK || HEADER_VALUE.test(value), 'Not a header value: printable ASCII, at most 2,000 characters'))
  .refine((headers) => Object.keys(headers).length <= 20, 'At most 20 headers')
  .refine((headers) => new Set(Object.keys(headers).map((name) => name.toLowerCase())).size === Object.keys(headers).length, 'A header is there twice: names differ in more than case')
  .superRefine((headers, context) => {
    for (const name of Object.keys(headers)) {
      if (RESERVED_HEADER.test(name)) context.addIssue({ code: 'custom', path: [name], message: 'This header is set by CSCX or belongs to the connection', params: { code: 'reserved_header' } })
    }
  }, { when: isParsedObject })
  .meta({ title: 'Headers', description: 'Further request headers; values are stored encrypted, and those that look like credentials are shown masked.' })

const NewHeaders = Headers.superRefine((headers, context) => {
  for (const [name, value] of Object.entries(headers)) {
    if (value === MASK) context.addIssue({ code: 'custom', path: [name], message: 'There is no earlier value to keep', params: { code: 'invalid' } })
  }
}, { when: isParsedObject })

const Url = z.string().trim().min(1).max(URL_MAX).meta({ title: 'URL', description: 'Where to POST events: an https address on the public internet.' })
const Name = z.string().trim().min(1).max(LINE_MAX).meta({ title: 'Name', description: 'What people call the webhook.' })
const Active = z.boolean().meta({ title: 'Active', description: 'Whether events are delivered. While it is false they are kept, not dropped.' })

const Ordered = z.boolean().meta({
  title: 'Ordered',
  description: 'Whether deliveries come strictly one after the other, in the order of their events. One that fails then holds up those behind it until it succeeds or is out of attempts.'
})

/** How fast a webhook is sent to at most. */
export const RateLimit = z.strictObject({
  per_second: z.number().min(0.1).max(1_000).multipleOf(0.01).meta({ title: 'Per Second', description: 'Most deliveries a second, over time.' }),
  burst: z.int().min(1).max(10_000).nullable().default(null).meta({ title: 'Burst', description: 'How many may come at once after a quiet while; null for as many as a second\'s.' })
}).meta({ title: 'Rate Limit', description: 'How fast events are delivered at most; null for as fast as the receiver takes them.' })

const Missed = z.enum(['deliver', 'keep', 'discard']).meta({
  title: 'Missed Events',
  description: 'With active: true, what becomes of what was held back: deliver it, paced; keep it for a later catch-up; discard it. When left out: deliver what was held while its owner had paused the webhook, keep what was held because CSCX had switched it off.'
})
export type Missed = z.infer<typeof Missed>

/** Body of POST /api/webhooks/outbound. */
export const NewWebhook = z.strictObject({
  name: Name,
  url: Url,
  events: EventTypes,
  filter: Filter.nullable().default(null),
  headers: NewHeaders.default({}),
  ordered: Ordered.default(false),
  rate_limit: RateLimit.nullable().default(null),
  signature_schemes: SignatureSchemes.default(['v1']),
  active: Active.default(true)
})
export type NewWebhook = z.output<typeof NewWebhook>

/** Body of PUT /api/webhooks/outbound/:id; members left out stay as they are. */
export const WebhookChanges = z.strictObject({
  name: Name.optional(),
  url: Url.optional(),
  events: EventTypes.optional(),
  filter: Filter.nullable().optional(),
  headers: Headers.optional(),
  ordered: Ordered.optional(),
  rate_limit: RateLimit.nullable().optional(),
  signature_schemes: SignatureSchemes.optional(),
  active: Active.optional(),
  missed: Missed.optional()
})
  .refine((changes) => Object.keys(changes).length > 0, 'Give at least one member to change')
  .superRefine(({ active, missed }, context) => {
    if (missed !== undefined && active !== true) context.addIssue({ code: 'custom', path: ['missed'], message: 'This goes with active: true', params: { code: 'invalid' } })
  }, { when: isParsedObject })
export type WebhookChanges = z.output<typeof WebhookChanges>

/** Body of POST /api/zapier/subscribe (REST Hooks). */
export const NewSubscription = z.strictObject({
  event: z.enum(eventNames).meta({ title: 'Event Type', description: 'The event type to subscribe to.' }),
  target_url: Url,
  filter: Filter.nullable().default(null)
})
export type NewSubscription = z.output<typeof NewSubscription>

/** A webhook as the API shows it. */
export const WebhookView = z.object({
  id: z.uuid(),
  kind: WebhookKind,
  name: z.string(),
  url: z.string(),
  events: z.array(z.string()),
  filter: Filter.nullable(),
  headers: z.record(z.string(), z.string()),
  ordered: z.boolean(),
  rate_limit: z.object({ per_second: z.number(), burst: z.int().nullable() }).nullable(),
  signature_schemes: z.array(SignatureScheme),
  keys: z.array(KeyView).meta({ description: 'The keys that sign its requests, newest first of each scheme.' }),
  public_keys: z.array(PublicKeyView).meta({ description: 'What v1a signatures are verified with; also served, without credentials, as a JWK Set at /api/webhooks/outbound/{id}/public-keys.' }),
  active: z.boolean(),
  disabled_reason: DisabledReason.nullable(),
  inactive_since: z.iso.datetime().nullable().meta({ description: 'Since when it is paused or disabled.' }),
  failing_since: z.iso.datetime().nullable().meta({ description: 'The first failure since its last success.' }),
  throttled_until: z.iso.datetime().nullable().meta({ description: 'Until when its receiver asked to be left alone; null when that is past.' }),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime()
})
export type WebhookView = z.infer<typeof WebhookView>

const secret = z.string().meta({ description: 'The signing secret (whsec_…). Shown this once.' })

export const CreatedWebhook = WebhookView.extend({ secret })
export type CreatedWebhook = z.infer<typeof CreatedWebhook>
export const CreatedSubscription = z.object({ id: z.uuid(), event: z.string(), target_url: z.string(), secret, created_at: z.iso.datetime() })
export type CreatedSubscription = z.infer<typeof CreatedSubscription>

/**
 * pending: waits for its next attempt, or its turn (or is leased to a worker); delivered: the receiver said 2xx;
 * held: its webhook is paused or disabled; filtered: a condition of the webhook's filter did not hold, so nothing is sent;
 * dead_letter: out of attempts; discarded: a dead letter or held one that its owner does not want any more, or a test that failed;
 * cancelled: its webhook ended.
 */
export const DeliveryStatus = z.enum(['pending', 'delivered', 'held', 'filtered', 'dead_letter', 'discarded', 'cancelled'])
export type DeliveryStatus = z.infer<typeof DeliveryStatus>

/** One HTTP try, as the API shows it. */
export const AttemptView = z.object({
  number: z.int(),
  started_at: z.iso.datetime(),
  duration_ms: z.int(),
  phases: z.object({
    dns_ms: z.number().nullable(),
    connect_ms: z.number().nullable(),
    tls_ms: z.number().nullable(),
    first_byte_ms: z.number().nullable()
  }).meta({ description: 'Where the time went, in milliseconds; null for what did not happen, as on a connection that was open already.' }),
  address: z.string().nullable().meta({ description: 'The IP address that it went to; null when it came to no connection.' }),
  key_id: z.string().nullable().meta({ description: 'Names the keys that signed it, separated by spaces.' }),
  response_status: z.int().nullable(),
  response_body: z.string().nullable(),
  error: z.string().nullable(),
  error_detail: z.string().nullable()
})

/** One delivery, as the API shows it. */
export const DeliveryView = z.object({
  id: z.uuid(),
  webhook_id: z.uuid(),
  event_id: z.uuid(),
  event: z.string(),
  status: DeliveryStatus,
  under_way: z.boolean().meta({ description: 'Whether it is being sent at this moment.' }),
  is_test: z.boolean(),
  attempt_count: z.int().meta({ description: 'HTTP tries so far.' }),
  retry_count: z.int().meta({ description: 'Tries that count against the retry schedule; a redelivery begins at 0 again.' }),
  unmet: UnmetCondition.nullable().meta({ description: 'Of a filtered one: the condition that did not hold.' }),
  redelivery_id: z.uuid().nullable().meta({ description: 'The redelivery that made it due again, if one did.' }),
  response_status: z.int().nullable(),
  response_body: z.string().nullable(),
  error: z.string().nullable(),
  created_at: z.iso.datetime(),
  delivered_at: z.iso.datetime().nullable(),
  next_attempt_at: z.iso.datetime().nullable().meta({ description: 'When it is tried next; null when it is not, while it waits for its turn, and while it is under way.' }),
  payload: z.record(z.string(), z.unknown()).nullable().meta({ description: 'The event\'s data; null when the event is not kept any more and, in lists, when it is larger than 64 KB.' }),
  attempts: z.array(AttemptView)
})
export type DeliveryView = z.infer<typeof DeliveryView>

/** Body of POST /api/webhooks/outbound/:id/test. */
export const TestRequest = z.strictObject({
  event: z.enum(eventNames).optional().meta({ title: 'Event Type', description: 'Whose sample to send; the webhook\'s first event type when left out.' })
})
