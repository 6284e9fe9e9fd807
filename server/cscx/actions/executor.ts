import type { z } from 'zod'
import { text, type Row } from '../../../shared/catalogue/change.js'
import type { ActionDefinition } from '../../../shared/catalogue/define-action.js'
import type { Origin } from '../../../shared/catalogue/define-event.js'
import type { Transaction } from '../../db/client.js'
import { firstAllowed } from '../nearest.js'
import type { CscxTables, Table } from '../tables.js'

/** On whose behalf a record is written. */
export interface ActionContext {
  organizationId: string
  /** The API key or inbound webhook that writes. */
  actorId: string
  origin: Origin
}

export interface Job<Input> {
  tx: Transaction
  tables: CscxTables
  /** The table that the action writes to: the first of the action's that this database has. */
  table: Table
  context: ActionContext
  input: Input
}

/** Writes one kind of record; answers in terms of the action's output. */
export type Executor<A extends ActionDefinition> = (job: Job<z.output<A['input']>>) => Promise<z.input<A['output']>>

/** What every record of a customer carries. */
export function customerOf (customer: Row): { customer_id: string, customer_name: string | null } {
  return { customer_id: text(customer, 'id') ?? '', customer_name: text(customer, 'name') }
}

/** Where a row says it came from: a deployment that lists the sources knows no Zap, but its own system or a person. */
export function sourceFor (table: Table, { origin }: ActionContext): string | undefined {
  return firstAllowed(table.columns.get('source')?.allowed ?? null, [origin, 'integration', 'api', 'external', 'import', 'automation', 'system', 'manual'])
}

/** For columns that insist on a user where nobody was named: the customer's success manager. */
export function csmFallbacks (customer: Row) {
  const csm = text(customer, 'csm_id')
  return { csm_id: csm, user_id: csm, owner_id: csm, created_by: csm, assignee_id: csm, assigned_to: csm }
}

/** The first of the columns that the table has. */
export function columnOf (table: Table, names: readonly string[]): string | undefined {
  return names.find((name) => table.columns.has(name))
}
