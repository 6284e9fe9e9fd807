import { isUuid } from '../cursor.js'
import type { Queryable } from '../db/client.js'
import type { Table } from './tables.js'

/**
 * The condition that a row has an id that came from outside; one that the column's type rules out fits no row.
 * @param alias What the statement calls the table.
 */
export function hasId (sql: Queryable, table: Table | undefined, alias: string, id: string): ReturnType<Queryable> {
  if (table?.columns.get('id')?.type !== 'uuid') return sql`${sql(`${alias}.id`)}::text = ${id}`
  return isUuid(id) ? sql`${sql(`${alias}.id`)} = ${id}` : sql`false`
}
