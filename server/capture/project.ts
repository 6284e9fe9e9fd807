import type { Change, Operation, Row } from '../../shared/catalogue/change.js'
import { isUuid } from '../cursor.js'
import type { CscxSchema } from '../cscx/tables.js'
import type { Database, Transaction } from '../db/client.js'
import { recordEvents, type NewEvent } from '../outbound/index.js'
import { loadSurroundings, type Surroundings } from './context.js'
import { newEvent } from './new-event.js'
import { sourcesByTable, type TableSource } from './sources.js'

/** How many changes one transaction turns into events. */
const BATCH = 500

interface CapturedChange extends Change {
  id: string
  organizationId: string | null
  origin: { origin?: unknown, origin_id?: unknown } | null
}

interface Failure {
  id: string
  reason: string
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
 * its events are there. One process at a time projects, so that events keep the order of their changes.
 */
export async function projectChanges (database: Database, schema: CscxSchema, limit = BATCH): Promise<Projection> {
  return await database.sql.begin(async (tx) => {
    const [lock] = await tx<Array<{ held: boolean }>>`select pg_try_advisory_xact_lock(hashtext('cscx_zapier.project')) as held`
    if (!lock?.held) return { taken: 0, drained: true, failed: [] }
    const changes = await takeChanges(tx, limit)
    if (changes.length === 0) return { taken: 0, drained: true, failed: [] }
    const tables = schema.current()
    const surroundings = await loadSurroundings(tx, tables, changes)
    const sources = sourcesByTable(tables)
    const events: NewEvent[] = []
    const failed: Failure[] = []
    for (const change of changes) {
      try {
        events.push(...eventsOf(change, sources.get(change.table) ?? [], surroundings))
      } catch (error) {
        // One change that fits no schema must not hold up those behind it.
        failed.push({ id: change.id, reason: (error as Error).message.slice(0, 2000) })
      }
    }
    await recordEvents(tx, events)
    await finishChanges(tx, changes, failed)
    return { taken: changes.length, drained: changes.length < limit, failed }
  })
}

async function takeChanges (tx: Transaction, limit: number): Promise<CapturedChange[]> {
  const rows = await tx<Array<{ id: string, table_name: string, operation: Operation, organization_id: string | null, old_row: Row | null, new_row: Row | null, origin: CapturedChange['origin'], at: string }>>`
    select id, table_name, operation, organization_id, old_row, new_row, origin,
      to_char(captured_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at
    from cscx_zapier.changes where error is null order by id limit ${limit} for update skip locked`
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
  const organizationId = surroundings.organizationOf(change, change.organizationId)
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

/**
 * Goes on change by change after a batch that the database refused for its data, and sets aside those that it still
 * refuses: no single row may hold up all that come behind it.
 */
export async function projectOneByOne (database: Database, schema: CscxSchema): Promise<Projection> {
  const failed: Failure[] = []
  for (let taken = 0; taken < BATCH; taken++) {
    try {
      const one = await projectChanges(database, schema, 1)
      failed.push(...one.failed)
      if (one.drained) return { taken, drained: true, failed }
    } catch (error) {
      if (!isRefusedData(error)) throw error
      failed.push(await setAsideOldest(database, (error as Error).message))
    }
  }
  return { taken: BATCH, drained: false, failed }
}

/** SQLSTATE classes 22 (data exception) and 23 (integrity constraint violation). */
export function isRefusedData (error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^2[23]...$/.test(String(error.code))
}

async function setAsideOldest ({ sql }: Database, reason: string): Promise<Failure> {
  const [row] = await sql<Array<{ id: string }>>`
    update cscx_zapier.changes set error = ${reason.slice(0, 2000)}
    where id = (select id from cscx_zapier.changes where error is null order by id limit 1) returning id`
  return { id: row?.id ?? '', reason }
}
