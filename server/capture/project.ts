import type { Operation, Row } from '../../shared/catalogue/change.js'
import { isUuid } from '../cursor.js'
import type { CscxSchema } from '../cscx/tables.js'
import type { Database, Transaction } from '../db/client.js'
import type { NewEvent } from '../outbound/index.js'
import { loadSurroundings, type Surroundings, type TenantChange } from './context.js'
import { newEvent } from './new-event.js'
import { recordEach, type Failure } from './record-each.js'
import { sourcesByTable, type TableSource } from './sources.js'

/** How many changes one transaction turns into events. */
const BATCH = 500

interface CapturedChange extends TenantChange {
  id: string
  origin: { origin?: unknown, origin_id?: unknown } | null
}

export interface Projection {
  /** How many changes were taken. */
  taken: number
  /** Whether none is waiting any more. */
  drained: boolean
  /** Changes that could not be projected: they are set aside. */
  failed: Failure[]
}

/**
 * Turns the oldest waiting changes into events and their deliveries, in one transaction: a change is gone exactly when
 * its events are there, and a change that cannot become events is set aside. One process at a time projects, so that
 * events are recorded in the order of their changes.
 */
export async function projectChanges (database: Database, schema: CscxSchema): Promise<Projection> {
  return await database.sql.begin(async (tx) => {
    const [lock] = await tx<Array<{ held: boolean }>>`select pg_try_advisory_xact_lock(hashtext('cscx_zapier.project')) as held`
    if (!lock?.held) return { taken: 0, drained: true, failed: [] }
    const changes = await takeChanges(tx)
    if (changes.length === 0) return { taken: 0, drained: true, failed: [] }
    const tables = schema.current()
    const surroundings = await loadSurroundings(tx, tables, changes)
    const sources = sourcesByTable(tables)
    const failed = await recordEach(tx, changes, ({ id }) => id, (change) => eventsOf(change, sources.get(change.table) ?? [], surroundings))
    await finishChanges(tx, changes, failed)
    return { taken: changes.length, drained: changes.length < BATCH, failed }
  })
}

async function takeChanges (tx: Transaction): Promise<CapturedChange[]> {
  const rows = await tx<Array<{ id: string, table_name: string, operation: Operation, organization_id: string | null, old_row: Row | null, new_row: Row | null, origin: CapturedChange['origin'], at: string }>>`
    select id, table_name, operation, organization_id, old_row, new_row, origin,
      to_char(captured_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at
    from cscx_zapier.changes where error is null order by id limit ${BATCH} for update skip locked`
  return rows.map((row) => ({
    id: row.id,
    table: row.table_name,
    operation: row.operation,
    old: row.old_row,
    new: row.new_row,
    at: row.at,
    organizationId: row.organization_id,
    origin: row.origin
  }))
}

function eventsOf (change: CapturedChange, sources: readonly TableSource[], surroundings: Surroundings): NewEvent[] {
  const organizationId = surroundings.organizationOf(change)
  if (organizationId === null) return []
  if (!isUuid(organizationId)) throw new Error('Its organization_id is not a UUID')
  const context = surroundings.contextOf(change)
  return sources
    .filter(({ source }) => source.operations.includes(change.operation))
    .flatMap(({ event, source }) => {
      const data = source.project(change, context)
      return data === null ? [] : [newEvent(event, organizationId, { ...data, origin: change.origin?.origin ?? 'cscx', origin_id: change.origin?.origin_id ?? null }, change.at)]
    })
}

async function finishChanges (tx: Transaction, changes: readonly CapturedChange[], failed: readonly Failure[]): Promise<void> {
  const failedIds = new Set(failed.map(({ id }) => id))
  const done = changes.map(({ id }) => id).filter((id) => !failedIds.has(id))
  await tx`delete from cscx_zapier.changes where id = any(${done}::bigint[])`
  if (failed.length > 0) {
    await tx`update cscx_zapier.changes c set error = f.reason
      from unnest(${failed.map(({ id }) => id)}::bigint[], ${failed.map(({ reason }) => reason)}::text[]) as f(id, reason)
      where c.id = f.id`
  }
}
