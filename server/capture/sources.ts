import { events } from '../../shared/catalogue/index.js'
import type { ChangeSource, EventDefinition, EventSource } from '../../shared/catalogue/define-event.js'
import type { CscxTables } from '../cscx/tables.js'

/** Whether an event type can occur on this CSCX database, and if not, what is missing. */
export interface Availability {
  sources: readonly EventSource[]
  /** What is missing; undefined when the event type is available. */
  reason: string | undefined
}

/** Whether a row of the table can be told to belong to a tenant: by itself, by its customer or by its user (see context.ts). */
function hasTenant (table: string, tables: CscxTables): boolean {
  return tables.has(table, 'organization_id') || tables.has('customers', 'id', 'organization_id') ||
    (tables.has(table, 'user_id') && tables.has('org_members', 'user_id', 'organization_id'))
}

function works (source: EventSource, tables: CscxTables): boolean {
  switch (source.kind) {
    case 'change': return tables.has(source.table, 'id', ...source.needs) && hasTenant(source.table, tables)
    case 'renewal_sweep': return tables.has('customers', 'id', 'organization_id') && (tables.has('customers', 'renewal_date') || tables.has('renewals', 'customer_id', 'renewal_date'))
    case 'own': return true
  }
}

function needs (source: EventSource): string {
  switch (source.kind) {
    case 'change': return `${source.table} (${[...new Set(['id', ...source.needs])].join(', ')}, and an organization_id there or on customers)`
    case 'renewal_sweep': return 'customers (id, organization_id, renewal_date), or renewals (customer_id, renewal_date) beside customers (id, organization_id)'
    case 'own': return 'nothing'
  }
}

/** Picks the sources of an event that this database has: the first of them, or all where the event says so. */
export function availability (event: EventDefinition, tables: CscxTables): Availability {
  const working = event.sources.filter((candidate) => works(candidate, tables))
  const reason = working.length > 0 ? undefined : `This CSCX database lacks ${event.sources.map(needs).join(', or ')}`
  return { sources: event.use === 'all' ? working : working.slice(0, 1), reason }
}

export interface TableSource {
  event: EventDefinition
  source: ChangeSource
}

/** The event types that each captured table can raise, by table. */
export function sourcesByTable (tables: CscxTables): Map<string, TableSource[]> {
  const byTable = new Map<string, TableSource[]>()
  for (const event of events) {
    for (const source of availability(event, tables).sources) {
      if (source.kind === 'change') byTable.set(source.table, [...byTable.get(source.table) ?? [], { event, source }])
    }
  }
  return byTable
}
