import { text, type Operation, type Row } from '../../shared/catalogue/change.js'
import type { Transaction } from '../db/client.js'
import { readChunks, type Chunk } from './chunks.js'
import type { TenantChange } from './context.js'
import type { Failed } from './record-each.js'

/** How many changes one transaction turns into events, and how many bytes of them; always one stored row at least. */
const BATCH = 500
const BATCH_BYTES = 4 * 1024 * 1024

export interface CapturedChange extends TenantChange {
  /** Where it is stored: of a chunk, all changes share it. */
  id: string
  origin: { origin?: unknown, origin_id?: unknown } | null
}

export interface Waiting {
  /** Ids of the stored rows that were taken. */
  ids: string[]
  changes: CapturedChange[]
  /** Whether these were all. */
  isAll: boolean
}

interface WaitingRow {
  id: string
  table_name: string
  old_row: Row | Row[] | null
  new_row: Row | Row[] | null
  layout: string | null
  origin: CapturedChange['origin']
  at: string
  is_all: boolean
}

/** Reads the oldest changes that wait, in the order in which they were captured. */
export async function takeWaiting (tx: Transaction): Promise<Waiting> {
  const rows = await tx<WaitingRow[]>`
    with oldest as (
      select id, row_count, coalesce(pg_column_size(old_row), 0) + coalesce(pg_column_size(new_row), 0) +
        coalesce(pg_column_size(old_rows), 0) + coalesce(pg_column_size(new_rows), 0) as bytes
      from cscx_zapier.changes where error is null order by id limit ${BATCH + 1}
    ), counted as (
      select id, row_number() over upto as place, sum(row_count) over upto as changes, sum(bytes) over upto as bytes
      from oldest window upto as (order by id)
    ), taken as (
      select id from counted where place = 1 or (changes <= ${BATCH} and bytes <= ${BATCH_BYTES})
    )
    select c.id, c.table_name, c.old_row, c.new_row, c.layout::text, c.origin,
      to_char(c.captured_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at,
      (select count(*) from taken) = (select count(*) from oldest) as is_all
    from taken join cscx_zapier.changes c using (id) order by c.id`
  const chunks = await readChunks(tx, rows.flatMap(({ id, layout }) => layout === null ? [] : [{ id, layout }]))
  return {
    ids: rows.map(({ id }) => id),
    changes: rows.flatMap((row) => changesOf(row, chunks.get(row.id) ?? { old: listOf(row.old_row), new: listOf(row.new_row) })),
    isAll: rows[0]?.is_all ?? true
  }
}

/** What was set aside, or captured by an earlier version, is a row by itself. */
function listOf (rows: Row | Row[] | null): Row[] {
  return Array.isArray(rows) ? rows : rows === null ? [] : [rows]
}

function changesOf ({ id, table_name: table, origin, at }: WaitingRow, rows: Chunk): CapturedChange[] {
  return pairs(rows).map((pair) => {
    const operation: Operation = pair.old === null ? 'INSERT' : pair.new === null ? 'DELETE' : 'UPDATE'
    return { id, table, operation, ...pair, at, organizationId: text(pair.new ?? pair.old ?? {}, 'organization_id'), origin }
  })
}

/** The row before and the row after of each change. A row whose id changed has no partner: it is one row gone and another come. */
function pairs ({ old, new: rows }: Chunk): Array<{ old: Row | null, new: Row | null }> {
  // As the statement wrote them, and as they are nearly always read.
  if (old.length === rows.length && old.every((row, n) => row['id'] === rows[n]?.['id'])) {
    return rows.map((row, n) => ({ old: old[n] ?? null, new: row }))
  }
  const before = new Map(old.map((row) => [row['id'], row]))
  const after = rows.map((row) => {
    const partner = before.get(row['id']) ?? null
    before.delete(row['id'])
    return { old: partner, new: row }
  })
  return [...[...before.values()].map((row) => ({ old: row, new: null })), ...after]
}

/** Deletes what was taken; of it, what failed is stored anew, each change by itself and with its reason. @returns the failures, by where they are stored now. */
export async function finishWaiting (tx: Transaction, ids: readonly string[], failed: ReadonlyArray<Failed<CapturedChange>>): Promise<Array<{ id: string, reason: string }>> {
  await tx`delete from cscx_zapier.changes where id = any(${ids}::bigint[])`
  if (failed.length === 0) return []
  const json = (value: unknown) => value === null ? null : JSON.stringify(value)
  const items = failed.map(({ item }) => item)
  const kept = await tx<Array<{ id: string, error: string }>>`
    insert into cscx_zapier.changes (table_name, operation, organization_id, old_row, new_row, origin, captured_at, error)
    select table_name, operation, organization_id, old_row::json, new_row::json, origin::jsonb, captured_at::timestamptz, reason
    from unnest(
      ${items.map(({ table }) => table)}::text[],
      ${items.map(({ operation }) => operation)}::text[],
      ${items.map(({ organizationId }) => organizationId)}::text[],
      ${items.map((change) => json(change.old))}::text[],
      ${items.map((change) => json(change.new))}::text[],
      ${items.map(({ origin }) => json(origin))}::text[],
      ${items.map(({ at }) => at)}::text[],
      ${failed.map(({ reason }) => reason)}::text[]
    ) as f(table_name, operation, organization_id, old_row, new_row, origin, captured_at, reason)
    returning id, error`
  return kept.map(({ id, error }) => ({ id, reason: error }))
}
