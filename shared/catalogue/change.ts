/** A table row as JSON, as Postgres' `to_jsonb` writes it. Columns differ between CSCX deployments: read them through the readers below. */
export type Row = Readonly<Record<string, unknown>>

export type Operation = 'INSERT' | 'UPDATE' | 'DELETE'

/** A captured row change: not yet an event. */
export interface Change {
  table: string
  operation: Operation
  /** The row before; null for INSERT. */
  old: Row | null
  /** The row after; null for DELETE. */
  new: Row | null
  /** When the change was captured: ISO 8601, UTC. */
  at: string
}

/** A CSCX user (`user_profiles`). */
export interface Person {
  id: string
  email: string | null
  name: string | null
}

/** What surrounds a change, loaded beforehand so that projection stays pure. */
export interface ChangeContext {
  /** The customer that the row belongs to (for `customers`, the row itself), if it is known. */
  customer: Row | null
  /** Looks a user up among those that the row and its customer name. */
  person: (id: unknown) => Person | null
}

/** Columns that hold the id of a CSCX user; projection finds those users through {@link ChangeContext.person}. */
export const PERSON_COLUMNS = ['csm_id', 'assignee_id', 'assigned_to', 'user_id', 'owner_id', 'decided_by', 'approved_by', 'requested_by'] as const

/** The row after, or the one before when the row is gone. */
export function currentRow (change: Change): Row {
  return change.new ?? change.old ?? {}
}

/** The id of the customer a changed row belongs to; approvals carry it inside `action_data`, if anywhere. */
export function customerIdOf (table: string, row: Row): string | null {
  if (table === 'customers') return text(row, 'id')
  return text(row, 'customer_id') ?? text(record(row, 'action_data') ?? {}, 'customer_id')
}

/** Whether `column` differs between the row before and the row after. */
export function changed ({ old, new: row }: Change, column: string): boolean {
  return JSON.stringify(old?.[column] ?? null) !== JSON.stringify(row?.[column] ?? null)
}

function first (row: Row, columns: readonly string[]): unknown {
  for (const column of columns) if (row[column] !== null && row[column] !== undefined) return row[column]
  return null
}

/** The first of the columns that holds something, as text; null when none does. */
export function text (row: Row, ...columns: string[]): string | null {
  const value = first(row, columns)
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null
}

/** The first of the columns that holds a finite number (0 counts). */
export function number (row: Row, ...columns: string[]): number | null {
  const value = first(row, columns)
  if (value === null || value === '' || typeof value === 'boolean') return null
  const parsed = Number(value)
  return Number.isFinite(parsed) ? parsed : null
}

export function boolean (row: Row, column: string): boolean | null {
  const value = row[column]
  return typeof value === 'boolean' ? value : null
}

export function record (row: Row, column: string): Row | null {
  const value = row[column]
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Row : null
}

/** A timestamp or date column as ISO 8601 in UTC (a date becomes midnight); null when empty or not a time. */
export function instant (row: Row, ...columns: string[]): string | null {
  const value = text(row, ...columns)
  if (value === null) return null
  // A timestamp without time zone is UTC in CSCX, as Supabase's session time zone is.
  const zoned = /[T ]\d\d:\d\d/.test(value) && !/(Z|[+-]\d\d(:?\d\d)?)$/.test(value) ? `${value}Z` : value
  const time = Date.parse(zoned)
  return Number.isNaN(time) ? null : new Date(time).toISOString()
}

/** A date column as `YYYY-MM-DD`. */
export function date (row: Row, ...columns: string[]): string | null {
  return instant(row, ...columns)?.slice(0, 10) ?? null
}
