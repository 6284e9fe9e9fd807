import type { Queryable } from '../db/client.js'
import { checkedValues, commonValues } from './check-values.js'

/** A column of a CSCX table, as far as it matters for writing. */
export interface Column {
  name: string
  /** Name of the type as in `information_schema.columns.udt_name`: `text`, `int4`, `timestamptz`, `_text` …; of a domain, its base. */
  type: string
  nullable: boolean
  /** Whether the database fills it in when an insert leaves it out. */
  hasDefault: boolean
  /** Whether only the database may write it. */
  generated: boolean
  /** Whether no two rows may share a value of this column alone. */
  unique: boolean
  /** Longest text in characters; null where there is no limit. */
  maxLength: number | null
  /** Numbers must stay below this magnitude; null where the type sets no useful bound. */
  magnitude: number | null
  /** Values that an enum type or a CHECK constraint allows, spelled as there; null when anything goes. */
  allowed: string[] | null
}

export interface Table {
  name: string
  columns: ReadonlyMap<string, Column>
}

/** The tables of schema `public`, as they were when read. */
export class CscxTables {
  readonly #tables: ReadonlyMap<string, Table>

  constructor (tables: Iterable<Table>) {
    this.#tables = new Map([...tables].map((table) => [table.name, table]))
  }

  get (name: string): Table | undefined {
    return this.#tables.get(name)
  }

  /** Whether the table exists and has every one of the columns. */
  has (table: string, ...columns: string[]): boolean {
    const found = this.#tables.get(table)
    return found !== undefined && columns.every((column) => found.columns.has(column))
  }
}

interface ColumnRow {
  table_name: string
  column_name: string
  type: string
  nullable: boolean
  has_default: boolean
  generated: boolean
  is_unique: boolean
  max_length: number | null
  numeric_precision: number | null
  numeric_scale: number | null
  labels: string[] | null
  checks: string[] | null
}

const INTEGER_MAGNITUDES: Readonly<Record<string, number>> = { int2: 2 ** 15, int4: 2 ** 31, int8: 2 ** 63 }

function magnitude ({ type, numeric_precision: precision, numeric_scale: scale }: ColumnRow): number | null {
  if (type === 'numeric') return precision === null ? null : 10 ** (precision - (scale ?? 0))
  return INTEGER_MAGNITUDES[type] ?? null
}

function toColumn (row: ColumnRow): Column {
  return {
    name: row.column_name,
    type: row.type,
    nullable: row.nullable,
    hasDefault: row.has_default,
    generated: row.generated,
    unique: row.is_unique,
    maxLength: row.max_length,
    magnitude: magnitude(row),
    allowed: commonValues([row.labels, ...(row.checks ?? []).map((check) => checkedValues(check, row.column_name))])
  }
}

/**
 * Reads what is there of CSCX: ordinary and partitioned tables of schema `public` on which the role has privileges.
 * `information_schema` names what the role may touch; constraints, enum labels and unique indexes only stand in pg_catalog.
 */
export async function readTables (sql: Queryable): Promise<CscxTables> {
  const rows = await sql<ColumnRow[]>`
    select c.table_name::text, c.column_name::text, c.udt_name::text as type,
      c.is_nullable = 'YES' as nullable,
      (c.column_default is not null or c.is_identity = 'YES') as has_default,
      (c.is_generated = 'ALWAYS' or c.identity_generation is not distinct from 'ALWAYS') as generated,
      exists (
        select from pg_index i
        where i.indrelid = a.attrelid and i.indisunique and i.indnkeyatts = 1 and i.indkey[0] = a.attnum and i.indpred is null
      ) as is_unique,
      c.character_maximum_length::int as max_length,
      c.numeric_precision::int, c.numeric_scale::int,
      (select array_agg(e.enumlabel::text order by e.enumsortorder) from pg_enum e where e.enumtypid = a.atttypid) as labels,
      (
        select array_agg(pg_get_constraintdef(k.oid)) from pg_constraint k
        where k.contype = 'c' and ((k.conrelid = a.attrelid and k.conkey = array[a.attnum]) or (k.contypid <> 0 and k.contypid = a.atttypid))
      ) as checks
    from information_schema.tables t
    join information_schema.columns c using (table_schema, table_name)
    join pg_attribute a on a.attrelid = format('%I.%I', c.table_schema, c.table_name)::regclass and a.attname = c.column_name
    where t.table_schema = 'public' and t.table_type = 'BASE TABLE'
    order by c.table_name, c.ordinal_position`
  const tables = new Map<string, Map<string, Column>>()
  for (const row of rows) {
    const columns = tables.get(row.table_name) ?? new Map<string, Column>()
    tables.set(row.table_name, columns.set(row.column_name, toColumn(row)))
  }
  return new CscxTables([...tables].map(([name, columns]) => ({ name, columns })))
}

/** The tables as last read. Refresh at start, on a timer, and when a statement fails for a missing table or column. */
export class CscxSchema {
  readonly #sql: Queryable
  #tables: CscxTables | undefined
  #reading: Promise<CscxTables> | undefined

  constructor (sql: Queryable) {
    this.#sql = sql
  }

  /** @throws Error before the first {@link refresh} has succeeded. */
  current (): CscxTables {
    if (this.#tables === undefined) throw new Error('The CSCX schema has not been read yet')
    return this.#tables
  }

  /** Reads the tables anew; calls during a reading share it. When it fails, the tables read before stay. */
  async refresh (): Promise<CscxTables> {
    this.#reading ??= readTables(this.#sql).finally(() => { this.#reading = undefined })
    this.#tables = await this.#reading
    return this.#tables
  }
}
