import { isUuid } from '../cursor.js'
import type { CscxSchema } from '../cscx/tables.js'
import type { Database } from '../db/client.js'
import type { NewEvent, Taker } from '../outbound/index.js'
import { loadSurroundings, type Surroundings } from './context.js'
import { handOver } from './handover.js'
import { newEvent } from './new-event.js'
import { recordEach } from './record-each.js'
import { sourcesByTable, type TableSource } from './sources.js'
import { finishWaiting, takeWaiting, type CapturedChange } from './waiting-changes.js'

export interface Projection {
  /** How many changes were taken. */
  taken: number
  /** Whether none is waiting any more. */
  drained: boolean
  /** Changes that could not be projected, by the ids under which they are set aside. */
  failed: Array<{ id: string, reason: string }>
}

const NOTHING: Projection = { taken: 0, drained: true, failed: [] }

/**
 * Turns the oldest waiting changes into events and their deliveries, in one transaction: a change is gone exactly when
 * its events are there, and a change that cannot become events is set aside. One process at a time projects, so that
 * events are recorded in the order of their changes.
 * @param taker Whoever delivers in this process: gets deliveries as soon as they are committed.
 */
export async function projectChanges (database: Database, schema: CscxSchema, taker?: Taker): Promise<Projection> {
  return await handOver(taker, async (handover) => await database.sql.begin(async (tx) => {
    const [lock] = await tx<Array<{ held: boolean }>>`select pg_try_advisory_xact_lock(hashtext('cscx_zapier.project')) as held`
    if (!lock?.held) return NOTHING
    const { ids, changes, isAll } = await takeWaiting(tx)
    if (ids.length === 0) return NOTHING
    const tables = schema.current()
    const surroundings = await loadSurroundings(tx, tables, changes)
    const sources = sourcesByTable(tables)
    const failed = await recordEach(tx, changes, (change, n) => eventsOf(change, sources.get(change.table) ?? [], surroundings[n] as Surroundings), handover)
    return { taken: changes.length, drained: isAll, failed: await finishWaiting(tx, ids, failed) }
  }))
}

function eventsOf (change: CapturedChange, sources: readonly TableSource[], { organizationId, context }: Surroundings): NewEvent[] {
  if (organizationId === null) return []
  if (!isUuid(organizationId)) throw new Error('Its organization_id is not a UUID')
  const events: NewEvent[] = []
  for (const { event, source } of sources) {
    const data = source.operations.includes(change.operation) ? source.project(change, context) : null
    if (data === null) continue
    events.push(newEvent(event, organizationId, { ...data, origin: change.origin?.origin ?? 'cscx', origin_id: change.origin?.origin_id ?? null }, change.at))
  }
  return events
}
