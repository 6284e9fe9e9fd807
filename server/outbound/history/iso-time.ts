import type { Queryable } from '../../db/client.js'

/** A timestamp column as ISO 8601 text in UTC with milliseconds; null when it is null. Do not give it `infinity`. */
export function isoTime (sql: Queryable, column: string): ReturnType<Queryable> {
  return sql`to_char(${sql(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
}
