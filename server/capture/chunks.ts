import type { Row } from '../../shared/catalogue/change.js'
import type { Transaction } from '../db/client.js'

/** The rows before and after of a number of changes; which belong together is not said. */
export interface Chunk {
  old: readonly Row[]
  new: readonly Row[]
}

/** Which attribute of `cscx_zapier.captured_row` holds each column, in the order of the table. */
type Layout = Record<string, string>

const ATTRIBUTE = /^[a-z]+_\d+$/
/** Holds, as one JSON object, the columns that fit no other attribute. */
const OTHERS = 'others'

/**
 * Reads chunks of changes.
 * @param stored Ids of rows of `changes`, and the layout of each as JSON text.
 * @returns the chunks, by id; their rows are JSON like any others.
 */
export async function readChunks (tx: Transaction, stored: ReadonlyArray<{ id: string, layout: string }>): Promise<Map<string, Chunk>> {
  const chunks = new Map<string, Chunk>()
  for (const text of new Set(stored.map(({ layout }) => layout))) {
    const ids = stored.filter(({ layout }) => layout === text).map(({ id }) => id)
    const layout = JSON.parse(text) as Layout
    const others = unusedName(layout)
    const columns = tx.unsafe(selectList(layout, others))
    // r.*, since r alone may be a column.
    const rows = await tx<Array<{ id: string, old_rows: Row[] | null, new_rows: Row[] | null }>>`
      select c.id,
        (select json_agg(r.*) from (select ${columns} from unnest(c.old_rows) as a) as r) as old_rows,
        (select json_agg(r.*) from (select ${columns} from unnest(c.new_rows) as a) as r) as new_rows
      from cscx_zapier.changes c where c.id = any(${ids}::bigint[])`
    const restore = restorer(layout, others)
    for (const row of rows) chunks.set(row.id, { old: restore(row.old_rows ?? []), new: restore(row.new_rows ?? []) })
  }
  return chunks
}

/** What turns an array of `captured_row` back into the columns that it was made of, and one for the others. @throws Error when the layout is none. */
function selectList (layout: Layout, others: string): string {
  const attributes = Object.entries(layout).filter(([, attribute]) => attribute !== OTHERS)
  const unknown = attributes.find(([, attribute]) => !ATTRIBUTE.test(attribute))
  if (unknown) throw new Error(`A captured row has no attribute ${unknown[1]}`)
  return [...attributes.map(([column, attribute]) => `a.${attribute} as ${identifier(column)}`), `a.${OTHERS} as ${identifier(others)}`].join(', ')
}

/** Puts the other columns where they belong. Not in SQL, which cannot look into every JSON that it can store: `\u0000` is one. */
function restorer (layout: Layout, others: string): (rows: Row[]) => Row[] {
  const places = Object.entries(layout)
  if (!places.some(([, attribute]) => attribute === OTHERS)) return (rows) => rows
  return (rows) => rows.map((row) => Object.fromEntries(places.map(([column, attribute]) =>
    [column, attribute === OTHERS ? (row[others] as Row)[column] : row[column]])))
}

function unusedName (layout: Layout): string {
  let name = OTHERS
  while (name in layout) name += '_'
  return name
}

function identifier (name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
