import { sql } from 'drizzle-orm'
import { bigint, index, jsonb, text, timestamp } from 'drizzle-orm/pg-core'
import { adapter } from './namespace.js'

/** Captured row changes that wait for projection; a projected one is deleted. Written by the capture trigger only. */
export const changes = adapter.table('changes', {
  id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
  tableName: text('table_name').notNull(),
  operation: text({ enum: ['INSERT', 'UPDATE', 'DELETE'] }).notNull(),
  /** As text: a deployment whose column is no uuid must not make the writer fail. */
  organizationId: text('organization_id'),
  oldRow: jsonb('old_row'),
  newRow: jsonb('new_row'),
  /** Who wrote, where that was one of our actions: `{origin, origin_id}`. */
  origin: jsonb(),
  capturedAt: timestamp('captured_at', { withTimezone: true }).notNull().default(sql`now()`),
  /** Why projection failed; such a change is kept for inspection and not tried again. */
  error: text()
}, (table) => [index('changes_waiting').on(table.id).where(sql`${table.error} is null`)])
