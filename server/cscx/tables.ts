import { actions, events } from '../../shared/catalogue/index.js'
import type { Queryable } from '../db/client.js'
import { checkedValues, commonValues } from './check-values.js'

/** A column of a CSCX table, as far as it matters for writing. */
export interface Column {
  name: string
  /** Name of the type as in `pg_type`: `text`, `int4`, `timestamptz`, `_text` …; of a domain, its base. */
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

/** The tables of schema `public` that we use, as they were when read. */
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

/** Tables that our statements name beside those of events and actions: whose a record is, and who is who. */
const SURROUNDING_TABLES = ['organizations', 'org_members', 'user_profiles', 'customers', 'renewals', 'health_score_history']

/** Every table of CSCX that we ever read or write. A product database has hundreds more, which must not cost us anything. */
const USED_TABLES: readonly string[] = [...new Set([
  ...SURROUNDING_TABLES,
  ...events.flatMap((event) => event.sources.flatMap((source) => source.kind === 'change' ? [source.table] : [])),
  ...actions.flatMap((action) => action.tables)
])]

interface ColumnRow {
  table_name: string
  column_name: string
  type: string
  /** `atttypmod`, or `typtypmod` of a domain: what stands in parentheses after the type; -1 when nothing does. */
  modifier: number
  nullable: boolean
  has_default: boolean
  generated: boolean
  is_unique: boolean
  labels: string[] | null
  checks: string[] | null
}

/** Modifiers count their own four bytes (VARHDRSZ). */
const MODIFIER_OFFSET = 4
const INTEGER_MAGNITUDES: Readonly<Record<string, number>> = { int2: 2 ** 15, int4: 2 ** 31, int8: 2 ** 63 }

function maxLength ({ type, modifier }: ColumnRow): number | null {
  return (type === 'varchar' || type === 'bpchar') && modifier >= 0 ? modifier - MODIFIER_OFFSET : null
}

/** A `numeric` has its precision in the upper 16 bits and its scale, which may be negative, in the lower 11. */
function magnitude ({ type, modifier }: ColumnRow): number | null {
  if (type !== 'numeric') return INTEGER_MAGNITUDES[type] ?? null
  if (modifier < 0) return null
  const packed = modifier - MODIFIER_OFFSET
  const scale = ((packed & 0x7ff) ^ 0x400) - 0x400
  return 10 ** ((packed >> 16 & 0xffff) - scale)
}

function toColumn (row: ColumnRow): Column {
  return {
    name: row.column_name,
    type: row.type,
    nullable: row.nullable,
    hasDefault: row.has_default,
    generated: row.generated,
    unique: row.is_unique,
    maxLength: maxLength(row),
    magnitude: magnitude(row),
    allowed: commonValues([row.labels, ...(row.checks ?? []).map((check) => checkedValues(check, row.column_name))])
  }
}

/**
 * Reads what is there of the tables we use: ordinary and partitioned ones of schema `public`, and of them the columns on
 * which the role has privileges. It runs every few seconds, so it reads pg_catalog by its indexes: the views of
 * `information_schema` take seconds where there are hundreds of tables.
 */
async function readTables (sql: Queryable): Promise<CscxTables> {
  const rows = await sql<ColumnRow[]>`
    select c.relname::text as table_name, a.attname::text as column_name, base.typname::text as type,
      case t.typtype when 'd' then t.typtypmod else a.atttypmod end as modifier,
      not (a.attnotnull or (t.typtype = 'd' and t.typnotnull)) as nullable,
      (a.attidentity <> '' or (a.atthasdef and a.attgenerated = '')) as has_default,
      (a.attidentity = 'a' or a.attgenerated <> '') as generated,
      exists (
        select from pg_index i
        where i.indrelid = c.oid and i.indisunique and i.indnkeyatts = 1 and i.indkey[0] = a.attnum and i.indpred is null
      ) as is_unique,
      (select array_agg(e.enumlabel::text order by e.enumsortorder) from pg_enum e where e.enumtypid = base.oid) as labels,
      (
        select array_agg(pg_get_constraintdef(k.oid)) from (
          select oid from pg_constraint where conrelid = c.oid and contype = 'c' and conkey = array[a.attnum]
          union all
          select oid from pg_constraint where contypid = t.oid and t.typtype = 'd' and contype = 'c'
        ) k
      ) as checks
    from pg_namespace n
    join pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'p')
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_type t on t.oid = a.atttypid
    join pg_type base on base.oid = case t.typtype when 'd' then t.typbasetype else t.oid end
    where n.nspname = 'public' and c.relname = any(${USED_TABLES}::text[])
      and (pg_has_role(c.relowner, 'USAGE') or has_column_privilege(c.oid, a.attnum, 'SELECT, INSERT, UPDATE, REFERENCES'))
    order by c.relname, a.attnum`
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
