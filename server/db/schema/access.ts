import { sql } from 'drizzle-orm'
import { customType, index, integer, json, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import { adapter } from './namespace.js'

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' })

/** API keys, as hashes. */
export const apiKeys = adapter.table('api_keys', {
  /** The public part of the key, by which it is found. */
  id: text().primaryKey(),
  organizationId: uuid('organization_id').notNull(),
  name: text().notNull(),
  /** SHA-256 of the whole key. */
  hash: bytea().notNull(),
  scopes: text().array().notNull(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().default(sql`now()`),
  lastUsedAt: timestamp('last_used_at', { withTimezone: true }),
  revokedAt: timestamp('revoked_at', { withTimezone: true })
}, (table) => [index('api_keys_by_organization').on(table.organizationId)])

/** Requests that carried an Idempotency-Key, with the answer they got; kept for a day. */
export const idempotentRequests = adapter.table('idempotent_requests', {
  organizationId: uuid('organization_id').notNull(),
  /** Method and route: the same key on another route is another request. */
  operation: text().notNull(),
  key: text().notNull(),
  /** SHA-256 of the request's input. */
  fingerprint: bytea().notNull(),
  responseStatus: integer('response_status').notNull(),
  responseBody: json('response_body').notNull(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().default(sql`now()`)
}, (table) => [
  primaryKey({ columns: [table.organizationId, table.operation, table.key] }),
  index('idempotent_requests_by_age').on(table.createdAt)
])

/** Facts about the installation itself, such as which encryption key its secrets are sealed with. */
export const settings = adapter.table('settings', {
  name: text().primaryKey(),
  value: text().notNull()
})
