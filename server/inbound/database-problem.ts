import type { Action } from '../../shared/catalogue/actions/index.js'
import { errorCode, isDatabaseAway, isRefusedData } from '../db/failures.js'
import { ApiProblem, invalidField } from '../problem.js'

/** What postgres.js throws: an error of Postgres (code is an SQLSTATE) or of the connection (code is a word). */
interface DatabaseError extends Error {
  code: string
  table_name?: string
  column_name?: string
  constraint_name?: string
  detail?: string
}

/** Fields that are stored in a column of another name. */
const FIELD_OF_COLUMN: Readonly<Record<string, string>> = {
  csm_id: 'csm_email',
  assignee_id: 'assignee_email',
  assigned_to: 'assignee_email',
  type: 'activity_type',
  content: 'description',
  timestamp: 'occurred_at',
  overall: 'score',
  product: 'score',
  risk: 'score',
  outcomes: 'score',
  voice: 'score',
  engagement: 'score'
}

/** Errors after which the same statements may well succeed when the schema is read anew: undefined column or table, a changed plan. */
const STALE_SCHEMA = new Set(['42703', '42P01', '0A000'])
/** Serialization failure and deadlock: Postgres asks for the transaction to be repeated. */
const REPEATABLE = new Set(['40001', '40P01'])

export function isStaleSchema (error: unknown): boolean {
  return STALE_SCHEMA.has(errorCode(error))
}

export function isRepeatable (error: unknown): boolean {
  return REPEATABLE.has(errorCode(error))
}

/** The columns that an error is about, as far as Postgres tells: by name, in its detail (`Key (a, b)=…`), or in a constraint's usual name. */
function columnsOf (error: DatabaseError): string[] {
  if (error.column_name) return [error.column_name]
  const key = /^Key \((.+?)\)=/.exec(error.detail ?? '')
  if (key) return (key[1] as string).split(', ')
  const constraint = error.constraint_name ?? ''
  const prefix = `${error.table_name ?? ''}_`
  return constraint.startsWith(prefix) ? [constraint.slice(prefix.length).replace(/_check\d*$/, '')] : []
}

function pointerFor (columns: readonly string[], action: Action): string {
  const fields: object = action.input.shape
  const field = columns.flatMap((column) => [column, FIELD_OF_COLUMN[column] ?? '']).find((name) => Object.hasOwn(fields, name))
  return field === undefined ? '' : `/${field}`
}

function describe ({ code, table_name: table }: DatabaseError, columns: readonly string[]): string {
  const place = columns.length === 0 ? '' : ` ${columns.join(', ')}`
  const where = table ? ` of table ${table}` : ''
  switch (code) {
    case '23502': return `Column${place}${where} must have a value`
    case '23503': return `What${place}${where} refers to does not exist`
    case '23505': return `Another record has the same value in${place}${where}`
    case '23514': return `A rule of this CSCX database forbids the value of${place}${where}`
    default: return `This CSCX database cannot hold a value${place ? ` of${place}` : ''}${where}`
  }
}

/**
 * What the caller is told when a write failed in the database: bad data (SQLSTATE classes 22 and 23) is a validation
 * problem, a refused write (42501, or P0001 raised by a trigger) an action that cannot be done, lost connections, full
 * servers and waits that took too long are `unavailable`.
 * @returns the error itself when it is none of these.
 */
export function databaseProblem (error: unknown, action: Action): unknown {
  const code = errorCode(error)
  const found = error as DatabaseError
  if (isRefusedData(error)) {
    const columns = columnsOf(found)
    return invalidField(pointerFor(columns, action), describe(found, columns), code === '23505' ? 'duplicate' : 'unsuitable')
  }
  if (code === '42501') return new ApiProblem('action_unavailable', 'The CSCX database does not let this adapter write there', { cause: error })
  if (code === 'P0001') return new ApiProblem('action_unavailable', 'A rule of this CSCX database refused the record', { cause: error })
  if (isDatabaseAway(error)) return new ApiProblem('unavailable', 'The database cannot answer right now', { headers: { 'retry-after': '5' }, cause: error })
  return error
}
