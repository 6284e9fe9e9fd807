import { sql } from 'drizzle-orm'
import { boolean, index, integer, jsonb, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import type { DeliveryStatus, WebhookKind } from '../../../shared/webhook.js'
import { events } from './events.js'
import { adapter } from './namespace.js'

/** Outbound endpoints; the PRD's columns and ours. A deleted one stays, without its secret, as long as its deliveries do. */
export const outboundWebhooks = adapter.table('outbound_webhooks', {
  id: uuid().primaryKey().default(sql`gen_random_uuid()`),
  organizationId: uuid('organization_id').notNull(),
  /** Who created it: the id of an API key (or, with sign-in, of a user). */
  userId: text('user_id'),
  kind: text().$type<WebhookKind>().notNull().default('custom'),
  name: text().notNull(),
  url: text().notNull(),
  events: text().array().notNull(),
  /** Custom request headers; each value is encrypted, since it may be a credential. */
  headers: jsonb().$type<Record<string, string>>().notNull().default({}),
  active: boolean().notNull().default(true),
  /** Why it was switched off, where we did it; null while active or when its owner paused it. */
  disabledReason: text('disabled_reason'),
  /** The signing secret, encrypted (see server/auth/encryption.ts). */
  secret: text().notNull(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().default(sql`now()`),
  updatedAt: timestamp('updated_at', { withTimezone: true }).notNull().default(sql`now()`),
  deletedAt: timestamp('deleted_at', { withTimezone: true })
}, (table) => [index('outbound_webhooks_by_organization').on(table.organizationId, table.id).where(sql`${table.deletedAt} is null`)])

/** One event for one webhook; the PRD's columns and ours. */
export const webhookDeliveries = adapter.table('webhook_deliveries', {
  id: uuid().primaryKey(),
  organizationId: uuid('organization_id').notNull(),
  webhookId: uuid('webhook_id').notNull().references(() => outboundWebhooks.id),
  eventId: uuid('event_id').notNull().references(() => events.id),
  eventType: text('event_type').notNull(),
  status: text().$type<DeliveryStatus>().notNull().default('pending'),
  /** When it is due; while leased, when the lease runs out and anyone may claim it. */
  nextAttemptAt: timestamp('next_attempt_at', { withTimezone: true }).notNull().default(sql`now()`),
  /** The worker that holds the lease (see server/outbound/worker-identity.ts). */
  leasedBy: integer('leased_by'),
  /** HTTP tries so far. */
  attempts: integer().notNull().default(0),
  /** Tries that count against the retry schedule: a 429 is none. */
  retryCount: integer('retry_count').notNull().default(0),
  responseStatus: integer('response_status'),
  responseBody: text('response_body'),
  lastError: text('last_error'),
  deliveredAt: timestamp('delivered_at', { withTimezone: true }),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().default(sql`now()`)
}, (table) => [
  index('webhook_deliveries_due').on(table.nextAttemptAt).where(sql`${table.status} = 'pending'`),
  index('webhook_deliveries_by_webhook').on(table.webhookId, table.id),
  index('webhook_deliveries_waiting').on(table.webhookId).where(sql`${table.status} = 'pending'`),
  index('webhook_deliveries_parked').on(table.webhookId).where(sql`${table.status} = 'pending' and ${table.nextAttemptAt} = 'infinity'`)
])

/** One HTTP try. */
export const deliveryAttempts = adapter.table('delivery_attempts', {
  id: uuid().primaryKey(),
  deliveryId: uuid('delivery_id').notNull(),
  organizationId: uuid('organization_id').notNull(),
  number: integer().notNull(),
  startedAt: timestamp('started_at', { withTimezone: true }).notNull(),
  durationMs: integer('duration_ms').notNull(),
  responseStatus: integer('response_status'),
  responseBody: text('response_body'),
  /** A word for what went wrong, such as `timeout` or `http_status`; null after a 2xx. */
  error: text(),
  errorDetail: text('error_detail')
}, (table) => [index('delivery_attempts_by_delivery').on(table.deliveryId)])
