import type { Row } from '../../shared/catalogue/change.js'
import type { Transaction } from '../db/client.js'

/** The rows of a chunk of changes, as JSON like any other row. */
export interface Chunk {
  old: readonly Row[]
  new: readonly Row[]
}

/** The attributes of `cscx_zapier.captured_row`; `others` holds, as one JSON object, the columns that fit none of them. */
const ATTRIBUTE = /^[a-z]+_\d+$/
const OTHERS = 'others'

/**
 * Reads chunks of changes.
 * @param stored Ids of rows of `changes`, and the layout of each as JSON text.
 * @returns the chunks, by id.
 */
export async function readChunks (tx: Transaction, stored: ReadonlyArray<{ id: string, layout: string }>): Promise<Map<string, Chunk>> {
  const chunks = new Map<string, Chunk>()
  for (const layout of new Set(stored.map((chunk) => chunk.layout))) {
    const ids = stored.filter((chunk) => chunk.layout === layout).map(({ id }) => id)
    const columns = tx.unsafe(selectList(JSON.parse(layout) as Record<string, string>))
    const rows = await tx<Array<{ id: string, old_rows: Row[] | null, new_rows: Row[] | null }>>`
      select c.id,
        (select json_agg(r) from (select ${columns} from unnest(c.old_rows) as a) as r) as old_rows,
        (select json_agg(r) from (select ${columns} from unnest(c.new_rows) as a) as r) as new_rows
      from cscx_zapier.changes c where c.id = any(${ids}::bigint[])`
    for (const row of rows) chunks.set(row.id, { old: row.old_rows ?? [], new: row.new_rows ?? [] })
  }
  return chunks
}

/** What turns an array of `captured_row` back into the columns that it was made of. @throws Error when the layout is none. */
function selectList (layout: Record<string, string>): string {
  return Object.entries(layout).map(([column, attribute]) => {
    if (attribute === OTHERS) return `a.${OTHERS} -> ${literal(column)} as ${identifier(column)}`
    if (!ATTRIBUTE.test(attribute)) throw new Error(`A captured row has no attribute ${attribute}`)
    return `a.${attribute} as ${identifier(column)}`
  }).join(', ')
}

function identifier (name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

function literal (value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}
