import type { Operation } from '../../shared/catalogue/change.js'
import type { CscxTables } from '../cscx/tables.js'
import type { Sql } from '../db/client.js'
import { sourcesByTable } from './sources.js'

/** The transition tables that a statement of each kind has (CREATE TRIGGER allows one kind a trigger, then). */
const REFERENCING: Record<Operation, string> = {
  INSERT: 'REFERENCING NEW TABLE AS new_rows',
  UPDATE: 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows',
  DELETE: 'REFERENCING OLD TABLE AS old_rows'
}

export interface AttachResult {
  /** `table operation` of the triggers made just now. */
  attached: string[]
  /** Tables on which no trigger could be made, and why. */
  failed: Array<{ table: string, reason: string }>
}

/**
 * Puts the capture trigger on every CSCX table that an event type is read from. What is already there stays, and a
 * table is locked only when a trigger is missing. It never changes a CSCX table in any other way.
 */
export async function attachCapture (sql: Sql, tables: CscxTables): Promise<AttachResult> {
  const present = new Set((await sql<Array<{ name: string }>>`
    select c.relname || ' ' || t.tgname as name
    from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and t.tgname like 'cscx\\_zapier\\_%'`).map((row) => row.name))
  const result: AttachResult = { attached: [], failed: [] }
  for (const [table, sources] of sourcesByTable(tables)) {
    const operations = new Set(sources.flatMap(({ source }) => source.operations))
    const missing = [...operations].filter((operation) => !present.has(`${table} ${triggerName(operation)}`))
    try {
      for (const operation of missing) {
        await createTrigger(sql, table, operation)
        result.attached.push(`${table} ${operation}`)
      }
    } catch (error) {
      result.failed.push({ table, reason: (error as Error).message })
    }
  }
  return result
}

const triggerName = (operation: Operation) => `cscx_zapier_${operation.toLowerCase()}`

async function createTrigger (sql: Sql, table: string, operation: Operation): Promise<void> {
  // OR REPLACE, so that two processes that attach at once both succeed.
  await sql.unsafe(`create or replace trigger ${triggerName(operation)} after ${operation} on public.${quote(table)}
    ${REFERENCING[operation]} for each statement execute function cscx_zapier.capture_change()`)
}

function quote (identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}
