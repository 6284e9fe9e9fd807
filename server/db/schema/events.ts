import { sql } from 'drizzle-orm'
import { boolean, date, index, integer, json, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import { adapter } from './namespace.js'

/** Events: immutable. Ids are UUIDv7: their order is the order in which events were recorded. */
export const events = adapter.table('events', {
  id: uuid().primaryKey(),
  organizationId: uuid('organization_id').notNull(),
  type: text().notNull(),
  customerId: text('customer_id'),
  /** `json`, not `jsonb`: it keeps the order of members, which CSCX's own signature depends on. */
  data: json().notNull(),
  /** Of the data, in bytes. */
  size: integer().generatedAlwaysAs(sql`octet_length(data::text)`),
  /** Sent by the test button: delivered to one webhook only, and never shown as a sample. */
  isTest: boolean('is_test').notNull().default(false),
  occurredAt: timestamp('occurred_at', { withTimezone: true }).notNull(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().default(sql`now()`)
}, (table) => [
  index('events_by_type').on(table.organizationId, table.type, table.id),
  index('events_by_customer').on(table.organizationId, table.customerId, table.id).where(sql`${table.customerId} is not null`)
])

/** Thresholds for which a renewal has raised its event: what makes the sweep happen once. */
export const renewalNotices = adapter.table('renewal_notices', {
  organizationId: uuid('organization_id').notNull(),
  customerId: text('customer_id').notNull(),
  renewalDate: date('renewal_date').notNull(),
  thresholdDays: integer('threshold_days').notNull(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().default(sql`now()`)
}, (table) => [primaryKey({ columns: [table.organizationId, table.customerId, table.renewalDate, table.thresholdDays] })])
