import { sql } from 'drizzle-orm'
import { index, integer, jsonb, real, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import type { RedeliveryKind, RedeliverySelection, RedeliveryStatus } from '../../../shared/redelivery.js'
import { adapter } from './namespace.js'

/** Redeliveries of many at a time: paced, cancellable, and continued after a restart. */
export const redeliveries = adapter.table('redeliveries', {
  id: uuid().primaryKey(),
  organizationId: uuid('organization_id').notNull(),
  /** The webhook whose deliveries they are; null for all of the organization's. */
  webhookId: uuid('webhook_id'),
  kind: text().$type<RedeliveryKind>().notNull(),
  selection: jsonb().$type<RedeliverySelection>().notNull(),
  status: text().$type<RedeliveryStatus>().notNull().default('running'),
  /** How many were there to redeliver when it began. */
  total: integer().notNull(),
  /** How many have been made due so far. */
  released: integer().notNull().default(0),
  perSecond: real('per_second').notNull(),
  /** The last delivery (or event) that it has looked at. */
  position: uuid(),
  /** When its next batch is due. */
  nextStepAt: timestamp('next_step_at', { withTimezone: true }).notNull().default(sql`now()`),
  createdBy: text('created_by'),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().default(sql`now()`),
  finishedAt: timestamp('finished_at', { withTimezone: true })
}, (table) => [
  index('redeliveries_running').on(table.nextStepAt).where(sql`${table.status} = 'running'`),
  index('redeliveries_by_organization').on(table.organizationId, table.id)
])
