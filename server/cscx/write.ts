import { randomUUID } from 'node:crypto'
import type { Row } from '../../shared/catalogue/change.js'
import type { FieldError } from '../../shared/problem.js'
import type { Transaction } from '../db/client.js'
import { ApiProblem } from '../problem.js'
import { invalidFields } from '../validation.js'
import { fit } from './fit.js'
import { hasId } from './has-id.js'
import { hasScale } from './nearest.js'
import type { Column, Table } from './tables.js'

/** Columns and what goes into them; undefined is as good as absent. */
export type Values = Readonly<Record<string, unknown>>

/** A row to write, in terms of a table that may lack columns or hold them differently. */
export interface Write {
  table: Table
  organizationId: string
  /** What the caller gave. Without a column it goes to the metadata; when it does not fit its column, the caller is told. */
  given: Values
  /** What we add. Left out where there is no column for it or it does not fit. */
  set?: Values
  /** The caller's key-value pairs. */
  metadata?: Values | undefined
  /** For columns that must have a value (NOT NULL, no default) and got none. */
  fallbacks?: Values
  /** Names of input fields, where they differ from those of their columns. */
  fields?: Readonly<Record<string, string>>
}

interface Prepared {
  values: Record<string, unknown>
  metadata: Record<string, unknown>
  errors: FieldError[]
}

const MOMENTS = new Set(['created_at', 'updated_at', 'detected_at', 'calculated_at', 'occurred_at', 'timestamp'])
const isJson = (column: Column | undefined) => column?.type === 'jsonb' || column?.type === 'json'
const isWritable = (column: Column | undefined): column is Column => column !== undefined && !column.generated

function fieldOf (write: Write, column: string): string {
  return write.fields?.[column] ?? column
}

/** Fits what the caller gave and what we add to the columns that are there. */
function prepare (write: Write): Prepared {
  const prepared: Prepared = { values: {}, metadata: { ...write.metadata }, errors: [] }
  for (const [name, value] of Object.entries({ ...write.set, organization_id: write.organizationId })) {
    const column = write.table.columns.get(name)
    if (value === undefined || !isWritable(column)) continue
    const fitted = fit(column, value)
    if ('value' in fitted) prepared.values[name] = fitted.value
  }
  for (const [name, value] of Object.entries(write.given)) if (value !== undefined) prepareGiven(write, prepared, name, value)
  return prepared
}

function prepareGiven (write: Write, { values, metadata, errors }: Prepared, name: string, value: unknown): void {
  const column = write.table.columns.get(name)
  const field = fieldOf(write, name)
  if (!isWritable(column)) {
    metadata[field] = value
    return
  }
  const fitted = fit(column, value)
  if ('value' in fitted) values[name] = fitted.value
  else if (!hasScale(name)) errors.push({ pointer: `/${field}`, detail: fitted.misfit, code: 'unsuitable' })
  if ('misfit' in fitted ? hasScale(name) : !fitted.exact) metadata[field] = value
}

/** What a column that must have a value gets by its nature; undefined when nothing can be said. */
function natural ({ name, type }: Column): unknown {
  if (name === 'id' && (type === 'uuid' || type === 'text' || type === 'varchar')) return randomUUID()
  if (MOMENTS.has(name)) return new Date().toISOString()
  if (type === 'json' || type === 'jsonb') return {}
  if (type.startsWith('_')) return []
  return type === 'bool' && name.startsWith('is_') ? false : undefined
}

/** Gives every column that must have a value one, or says whose fault it is that it has none. */
function complete (write: Write, { values, errors }: Prepared): void {
  const now = new Date().toISOString()
  const refused = new Set(errors.map(({ pointer }) => pointer))
  for (const column of write.table.columns.values()) {
    const { name, nullable, hasDefault } = column
    if (name in values || hasDefault || column.generated || refused.has(`/${fieldOf(write, name)}`)) continue
    if (name === 'created_at' || name === 'updated_at') values[name] = now
    if (name in values || nullable) continue
    const fallback = write.fallbacks?.[name] ?? natural(column)
    const fitted = fallback === undefined || fallback === null ? undefined : fit(column, fallback)
    if (fitted && 'value' in fitted) {
      values[name] = fitted.value
    } else if (name in write.given && !hasScale(name)) {
      const choices = column.allowed === null ? '' : `: one of ${column.allowed.join(', ')}`
      errors.push({ pointer: `/${fieldOf(write, name)}`, detail: `This CSCX database requires it${choices}`, code: 'required' })
    } else {
      throw new ApiProblem('action_unavailable', `Column ${name} of table ${write.table.name} needs a value that this action does not have`)
    }
  }
}

/** Columns that a statement names. Those that may be left out are named all the same, so that few different statements arise. */
function columnsOf ({ table, given, set }: Write, values: Values, optional: (column: Column) => boolean): string[] {
  const vocabulary = { ...given, ...set }
  return [...table.columns.values()]
    .filter((column) => column.name in values || (column.name in vocabulary && isWritable(column) && optional(column)))
    .map(({ name }) => name)
}

/**
 * Inserts a row. Postgres converts the values from JSON to the types of the columns.
 * @returns the row as `to_jsonb` writes it.
 * @throws ApiProblem `validation_failed` when something given does not fit or something required is missing;
 *   `action_unavailable` when a column needs a value that no field of the input is for.
 */
export async function insertRecord (tx: Transaction, write: Write): Promise<Row> {
  const prepared = prepare(write)
  const { values, metadata } = prepared
  if (isJson(write.table.columns.get('metadata')) && Object.keys(metadata).length > 0) values['metadata'] = metadata
  complete(write, prepared)
  if (prepared.errors.length > 0) throw invalidFields(prepared.errors)
  const columns = columnsOf(write, values, (column) => !column.hasDefault)
  const table = tx(`public.${write.table.name}`)
  const [inserted] = await tx<Array<{ row: Row }>>`
    insert into ${table} as t ( ${tx(columns)} )
    select ${tx(columns)} from jsonb_populate_record(null::${table}, ${JSON.stringify(values)}::text::jsonb)
    returning to_jsonb(t) as row`
  return inserted?.row ?? {}
}

/** Older child tables have no organization, or rows without one: then the tenant is the customer's. */
function ofTenant (tx: Transaction, { table, organizationId }: Write) {
  return table.name === 'customers'
    ? tx`t.organization_id = ${organizationId}`
    : tx`exists (select from public.customers c where c.id = t.customer_id and c.organization_id = ${organizationId})`
}

/**
 * Updates a row; its metadata is merged, not replaced.
 * @returns the row after, or null when the organization has no such row.
 * @throws ApiProblem as {@link insertRecord} does, and `action_unavailable` when the table can keep none of the fields.
 */
export async function updateRecord (tx: Transaction, write: Write, id: string): Promise<Row | null> {
  const { values, metadata, errors } = prepare(write)
  if (errors.length > 0) throw invalidFields(errors)
  const json = isJson(write.table.columns.get('metadata')) && Object.keys(metadata).length > 0
  const lasting = Object.keys(values).some((name) => name !== 'organization_id')
  if (!json && !lasting) {
    const given = Object.keys(write.given).filter((name) => write.given[name] !== undefined)
    throw new ApiProblem('action_unavailable', `Table ${write.table.name} has no column for ${given.join(', ')}`)
  }
  if (write.table.columns.has('updated_at')) values['updated_at'] = new Date().toISOString()
  const columns = columnsOf(write, values, () => true).filter((name) => name !== 'organization_id' && name !== 'metadata')
  const merged = tx`|| jsonb_build_object('metadata', coalesce(nullif(t.metadata::jsonb, 'null'), '{}') || ${JSON.stringify(metadata)}::text::jsonb)`
  const names = json ? [...columns, 'metadata'] : columns
  const [updated] = await tx<Array<{ row: Row }>>`
    update ${tx(`public.${write.table.name}`)} as t
    set ( ${tx(names)} ) = (
      select ${tx(names)} from jsonb_populate_record(t, ${JSON.stringify(values)}::text::jsonb ${json ? merged : tx``})
    )
    where ${hasId(tx, write.table, 't', id)} and ${ofTenant(tx, write)}
    returning to_jsonb(t) as row`
  return updated?.row ?? null
}
