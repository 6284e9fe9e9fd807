import { DrizzleQueryError } from 'drizzle-orm'

/** The error that the database or its connection raised: Drizzle wraps it, and its wrapper repeats all parameters of the query. */
export function databaseError (error: unknown): unknown {
  return error instanceof DrizzleQueryError ? error.cause : error
}

/** An SQLSTATE of Postgres, or a word of postgres.js or Node about the connection; empty for other errors. */
export function errorCode (error: unknown): string {
  const found = databaseError(error)
  return typeof found === 'object' && found !== null && 'code' in found && typeof found.code === 'string' ? found.code : ''
}

/** Connection trouble, full or stopping servers (SQLSTATE classes 08, 53, 57), read-only standbys, and waits or conflicts that a repetition may not meet. */
const AWAY = /^(CONNECTION_|CONNECT_TIMEOUT|ECONN|ENOTFOUND|ENOENT$|ETIMEDOUT|EPIPE|EHOSTUNREACH|EAI_AGAIN|08|53|57|25006|40001|40P01|55P03)/

/** Whether the database is away, full or too busy: nothing is wrong with the request, and it may be repeated later. */
export function isDatabaseAway (error: unknown): boolean {
  return AWAY.test(errorCode(error))
}

/** Whether Postgres refused the data itself: SQLSTATE classes 22 (data exception) and 23 (integrity constraint violation). */
export function isRefusedData (error: unknown): boolean {
  return /^2[23][0-9A-Z]{3}$/.test(errorCode(error))
}
