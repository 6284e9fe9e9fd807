import type { Operation } from '../../shared/catalogue/change.js'
import type { CscxTables } from '../cscx/tables.js'
import type { Sql } from '../db/client.js'
import { errorCode } from '../db/failures.js'
import { sourcesByTable } from './sources.js'

/**
 * How long to wait for a table that a transaction of CSCX's holds. CREATE TRIGGER needs a SHARE ROW EXCLUSIVE lock, and
 * while it waits for that, every later writer of the table waits behind it.
 */
const LOCK_TIMEOUT = '1s'
/** SQLSTATE lock_not_available: the timeout above has passed. */
const LOCK_NOT_AVAILABLE = '55P03'

/** The transition tables that a statement of each kind has (CREATE TRIGGER allows one kind a trigger, then). */
const REFERENCING: Record<Operation, string> = {
  INSERT: 'REFERENCING NEW TABLE AS new_rows',
  UPDATE: 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows',
  DELETE: 'REFERENCING OLD TABLE AS old_rows'
}

export interface AttachResult {
  /** `table operation` of the triggers made just now. */
  attached: string[]
  /** Tables that someone held for too long: to be tried again in a while. */
  busy: string[]
  /** Tables on which no trigger could be made, and why. */
  failed: Array<{ table: string, reason: string }>
}

/**
 * Puts the capture trigger on every CSCX table that an event type is read from. What is already there stays, and a
 * table is locked only when a trigger is missing, all of whose table's are made in one short transaction. It never
 * changes a CSCX table in any other way, and makes its writers wait a second at most.
 */
export async function attachCapture (sql: Sql, tables: CscxTables): Promise<AttachResult> {
  const sourcesOf = sourcesByTable(tables)
  const present = new Set((await sql<Array<{ name: string }>>`
    select c.relname || ' ' || t.tgname as name
    from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and c.relname = any(${[...sourcesOf.keys()]}::text[]) and t.tgname like 'cscx\\_zapier\\_%'`).map((row) => row.name))
  const result: AttachResult = { attached: [], busy: [], failed: [] }
  for (const [table, sources] of sourcesOf) {
    const operations = new Set(sources.flatMap(({ source }) => source.operations))
    const missing = [...operations].filter((operation) => !present.has(`${table} ${triggerName(operation)}`))
    if (missing.length === 0) continue
    try {
      await createTriggers(sql, table, missing)
      result.attached.push(...missing.map((operation) => `${table} ${operation}`))
    } catch (error) {
      if (errorCode(error) === LOCK_NOT_AVAILABLE) result.busy.push(table)
      else result.failed.push({ table, reason: (error as Error).message })
    }
  }
  return result
}

const triggerName = (operation: Operation) => `cscx_zapier_${operation.toLowerCase()}`

async function createTriggers (sql: Sql, table: string, operations: readonly Operation[]): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`select set_config('lock_timeout', ${LOCK_TIMEOUT}, true)`
    for (const operation of operations) {
      // OR REPLACE, so that two processes that attach at once both succeed.
      await tx.unsafe(`create or replace trigger ${triggerName(operation)} after ${operation} on public.${quote(table)}
        ${REFERENCING[operation]} for each statement execute function cscx_zapier.capture_change()`)
    }
  })
}

function quote (identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}
