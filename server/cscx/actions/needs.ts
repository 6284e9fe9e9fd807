import type { Action, ActionName } from '../../../shared/catalogue/actions/index.js'
import { ApiProblem } from '../../problem.js'
import type { CscxTables, Table } from '../tables.js'

/** A column, or several of which any will do. */
type Need = string | readonly string[]

/** Columns without which a row would make no sense; everything else is written where there is room for it. */
const NEEDS: Readonly<Record<ActionName, Readonly<Record<string, readonly Need[]>>>> = {
  create_customer: { customers: [] },
  update_customer: { customers: [] },
  add_stakeholder: { stakeholders: ['id', 'customer_id', 'name'] },
  log_activity: {
    customer_activities: ['id', 'customer_id', 'type', 'description'],
    timeline_activities: ['id', 'customer_id', 'type', ['content', 'description']],
    activities: ['id', 'customer_id', ['type', 'activity_type'], ['description', 'content', 'notes', 'body']]
  },
  create_task: { tasks: ['id', 'customer_id', 'title'] },
  create_risk_signal: { risk_signals: ['id', 'customer_id', 'signal_type'] },
  update_health_score: { health_scores: ['id', 'customer_id', 'overall'], customers: ['health_score'] }
}

/** What every action needs, to know its customer and the tenant. */
const CUSTOMER_NEEDS = ['id', 'name', 'organization_id'] as const

function missing (tables: CscxTables, table: string, needs: readonly Need[]): string[] {
  if (tables.get(table) === undefined) return [`table ${table}`]
  return needs
    .filter((need) => ![need].flat().some((column) => tables.has(table, column)))
    .map((need) => `column ${[need].flat().join(' or ')} of table ${table}`)
}

/**
 * The table that an action would write to, or what this database lacks for it.
 * @returns a sentence in `reason`, fit for whoever administers the deployment, when the action cannot work.
 */
export function actionTable (tables: CscxTables, action: Pick<Action, 'name' | 'tables'>): { table: Table } | { reason: string } {
  const lacking = missing(tables, 'customers', CUSTOMER_NEEDS)
  if (lacking.length > 0) return { reason: `This CSCX database lacks ${lacking.join(', ')}` }
  const choices = action.tables.map((name) => ({ table: tables.get(name), lacking: missing(tables, name, NEEDS[action.name][name] ?? []) }))
  const usable = choices.find((choice) => choice.lacking.length === 0)?.table
  return usable ? { table: usable } : { reason: `This CSCX database lacks ${choices.map((choice) => choice.lacking.join(' and ')).join('; or ')}` }
}

/** @throws ApiProblem `action_unavailable` that names the tables and columns that are missing. */
export function requireActionTable (tables: CscxTables, action: Pick<Action, 'name' | 'tables'>): Table {
  const found = actionTable(tables, action)
  if ('reason' in found) throw new ApiProblem('action_unavailable', found.reason)
  return found.table
}
