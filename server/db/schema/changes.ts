import { sql } from 'drizzle-orm'
import { bigint, customType, index, integer, json, jsonb, text, timestamp } from 'drizzle-orm/pg-core'
import { adapter } from './namespace.js'

/** Rows of any table, their values kept as Postgres has them; the change's layout says which column lies where. */
const capturedRows = customType<{ data: string }>({ dataType: () => 'cscx_zapier.captured_row[]' })

/**
 * Captured row changes that wait for projection; projected ones are deleted. Written by the capture trigger: all that a
 * statement changed, as JSON (`old_row`, `new_row`) where that is little and in chunks (`old_rows`, `new_rows`) where it is
 * much. And by the projection, one by one, for what it sets aside.
 */
export const changes = adapter.table('changes', {
  id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
  tableName: text('table_name').notNull(),
  operation: text({ enum: ['INSERT', 'UPDATE', 'DELETE'] }).notNull(),
  /** Of what was set aside, as text: a deployment's column may be no uuid. */
  organizationId: text('organization_id'),
  /** The row before, or an array of the rows. `json`, not `jsonb`: half the writer's time, and it takes whatever a row may hold. */
  oldRow: json('old_row'),
  /** The row after, or an array of the rows. */
  newRow: json('new_row'),
  /** Who wrote, where that was one of our actions: `{origin, origin_id}`. */
  origin: jsonb(),
  capturedAt: timestamp('captured_at', { withTimezone: true }).notNull().default(sql`now()`),
  /** Why projection failed; such a change is kept for inspection and not tried again. */
  error: text(),
  /** How many changes these are. */
  rowCount: integer('row_count').notNull().default(1),
  /** Of a chunk: the attribute of `captured_row` that holds each column, in the order of the table. */
  layout: json(),
  oldRows: capturedRows('old_rows'),
  newRows: capturedRows('new_rows')
}, (table) => [index('changes_waiting').on(table.id).where(sql`${table.error} is null`)])
