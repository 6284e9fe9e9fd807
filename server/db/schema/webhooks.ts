import { sql } from 'drizzle-orm'
import { boolean, index, integer, json, jsonb, primaryKey, real, text, timestamp, uniqueIndex, uuid } from 'drizzle-orm/pg-core'
import type { UnmetCondition } from '../../../shared/filter.js'
import type { DeliveryStatus, DisabledReason, WebhookKind } from '../../../shared/webhook.js'
import { adapter } from './namespace.js'

/** A signing key that a rotation has replaced, and until when it still signs beside the new one. */
export interface RetiredKey {
  /** `whsec_…` or `whsk_…`, encrypted. */
  key: string
  /** ISO 8601, UTC. */
  expires_at: string
}

/** A condition of a webhook's filter, as stored: with the jsonpath that the database evaluates. */
export interface StoredCondition {
  path: string
  operator: string
  value?: unknown
  /** jsonpath over the event's data (see server/outbound/webhooks/filter.ts): the predicate that must hold, and the value it is about. */
  jsonpath: string
  at: string
}

/** Outbound endpoints; the PRD's columns and ours. A deleted one stays, without its secrets, as long as its deliveries do. */
export const outboundWebhooks = adapter.table('outbound_webhooks', {
  id: uuid().primaryKey().default(sql`gen_random_uuid()`),
  organizationId: uuid('organization_id').notNull(),
  /** Who created it: the id of an API key (or, with sign-in, of a user). */
  userId: text('user_id'),
  kind: text().$type<WebhookKind>().notNull().default('custom'),
  name: text().notNull(),
  url: text().notNull(),
  events: text().array().notNull(),
  /** Conditions on the event's data, all of which must hold; null for every event of the types selected. */
  filter: jsonb().$type<StoredCondition[]>(),
  /** Custom request headers; each value is encrypted, since it may be a credential. */
  headers: jsonb().$type<Record<string, string>>().notNull().default({}),
  /** Whether its deliveries come strictly one after the other, in the order of their events. */
  ordered: boolean().notNull().default(false),
  /** Most deliveries a second; null for as many as it takes. */
  ratePerSecond: real('rate_per_second'),
  /** How many may come at once after a quiet while; null for as many as a second's. */
  rateBurst: integer('rate_burst'),
  active: boolean().notNull().default(true),
  /** Why it was switched off, where we did it; null while active or when its owner paused it. */
  disabledReason: text('disabled_reason').$type<DisabledReason>(),
  /** Since when it is paused or disabled; null while active. Kept by the trigger `webhook_changed`. */
  inactiveSince: timestamp('inactive_since', { withTimezone: true }),
  /** The first failure since the last success; null while all is well. */
  failingSince: timestamp('failing_since', { withTimezone: true }),
  /** Its receiver asked to be left alone until then (429 or 503 with Retry-After). */
  throttledUntil: timestamp('throttled_until', { withTimezone: true }),
  /** The signing secret, encrypted (see server/auth/encryption.ts). */
  secret: text().notNull(),
  /** The ed25519 private key (`whsk_…`), encrypted; null where `v1a` signatures are off. */
  ed25519Key: text('ed25519_key'),
  retiredKeys: jsonb('retired_keys').$type<RetiredKey[]>().notNull().default([]),
  /** The ended subscription whose place this one takes: the same user's, to the same event type. */
  replaces: uuid(),
  /** When Zapier is next told that we ended the subscription (DELETE of its hook URL); null when there is nothing to tell. */
  endNoticeAt: timestamp('end_notice_at', { withTimezone: true }),
  endNoticeAttempts: integer('end_notice_attempts').notNull().default(0),
  /** Counts the changes that matter to delivery. Kept by the trigger `webhook_changed`. */
  version: integer().notNull().default(1),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().default(sql`now()`),
  updatedAt: timestamp('updated_at', { withTimezone: true }).notNull().default(sql`now()`),
  deletedAt: timestamp('deleted_at', { withTimezone: true })
}, (table) => [
  index('outbound_webhooks_by_organization').on(table.organizationId, table.id),
  index('outbound_webhooks_end_notices').on(table.endNoticeAt).where(sql`${table.endNoticeAt} is not null`)
])

/** What a webhook asked for, from one change of it to the next: it explains why an event did not become a delivery. Written by the trigger `webhook_changed`. */
export const webhookRevisions = adapter.table('webhook_revisions', {
  webhookId: uuid('webhook_id').notNull(),
  organizationId: uuid('organization_id').notNull(),
  version: integer().notNull(),
  at: timestamp({ withTimezone: true }).notNull(),
  events: text().array().notNull(),
  filter: jsonb().$type<StoredCondition[]>(),
  active: boolean().notNull(),
  disabledReason: text('disabled_reason').$type<DisabledReason>(),
  deleted: boolean().notNull()
}, (table) => [primaryKey({ columns: [table.webhookId, table.version] })])

/** One event for one webhook; the PRD's columns and ours. */
export const webhookDeliveries = adapter.table('webhook_deliveries', {
  id: uuid().primaryKey(),
  organizationId: uuid('organization_id').notNull(),
  webhookId: uuid('webhook_id').notNull().references(() => outboundWebhooks.id),
  eventId: uuid('event_id').notNull(),
  eventType: text('event_type').notNull(),
  status: text().$type<DeliveryStatus>().notNull().default('pending'),
  /** When it is due; while leased, when the lease runs out and anyone may claim it; `infinity` while it queues behind its webhook. */
  nextAttemptAt: timestamp('next_attempt_at', { withTimezone: true }).notNull().default(sql`now()`),
  /** The worker that holds the lease (see server/outbound/engine/worker-identity.ts). */
  leasedBy: integer('leased_by'),
  /** Since when it is to be delivered: since it was made, or made due again. */
  dueSince: timestamp('due_since', { withTimezone: true }).notNull().default(sql`now()`),
  /** Copied from its webhook when it was made. */
  ordered: boolean().notNull().default(false),
  /** HTTP tries so far. */
  attempts: integer().notNull().default(0),
  /** Tries that count against the retry schedule: a 429 is none. A redelivery begins at 0 again. */
  retryCount: integer('retry_count').notNull().default(0),
  responseStatus: integer('response_status'),
  responseBody: text('response_body'),
  lastError: text('last_error'),
  /** Of a filtered one: the condition that did not hold. */
  unmet: jsonb().$type<UnmetCondition>(),
  /** The redelivery that made it due again, if one did. */
  redeliveryId: uuid('redelivery_id'),
  deliveredAt: timestamp('delivered_at', { withTimezone: true }),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().default(sql`now()`)
}, (table) => [
  uniqueIndex('webhook_deliveries_by_event').on(table.eventId, table.webhookId),
  index('webhook_deliveries_by_webhook').on(table.webhookId, table.id),
  index('webhook_deliveries_due').on(table.nextAttemptAt).where(sql`${table.status} = 'pending' and ${table.nextAttemptAt} < 'infinity'`),
  index('webhook_deliveries_queued').on(table.webhookId, table.eventId).where(sql`${table.status} = 'pending' and ${table.nextAttemptAt} = 'infinity'`),
  index('webhook_deliveries_planned').on(table.webhookId).where(sql`${table.status} = 'pending' and ${table.nextAttemptAt} < 'infinity'`),
  index('webhook_deliveries_held').on(table.webhookId, table.id).where(sql`${table.status} = 'held'`),
  index('webhook_deliveries_dead_letters').on(table.webhookId, table.id).where(sql`${table.status} = 'dead_letter'`),
  index('webhook_deliveries_redelivered').on(table.redeliveryId, table.status).where(sql`${table.redeliveryId} is not null`)
])

/** One HTTP try. Times of a phase are in milliseconds; null where it did not happen. */
export const deliveryAttempts = adapter.table('delivery_attempts', {
  deliveryId: uuid('delivery_id').notNull(),
  organizationId: uuid('organization_id').notNull(),
  number: integer().notNull(),
  startedAt: timestamp('started_at', { withTimezone: true }).notNull(),
  durationMs: integer('duration_ms').notNull(),
  dnsMs: real('dns_ms'),
  connectMs: real('connect_ms'),
  tlsMs: real('tls_ms'),
  firstByteMs: real('first_byte_ms'),
  /** The address that the connection went to. */
  address: text(),
  /** Those that nothing else tells (see `keptHeaders` in server/outbound/sending/compose.ts). */
  requestHeaders: json('request_headers').$type<Record<string, string>>(),
  /** Names the signing key (see server/outbound/sending/compose.ts). */
  keyId: text('key_id'),
  responseStatus: integer('response_status'),
  responseHeaders: json('response_headers').$type<Record<string, string>>(),
  responseBody: text('response_body'),
  /** A word for what went wrong, such as `timeout` or `http_status`; null after a 2xx. */
  error: text(),
  errorDetail: text('error_detail')
}, (table) => [primaryKey({ columns: [table.deliveryId, table.number, table.startedAt] })])
