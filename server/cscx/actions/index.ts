import type { z } from 'zod'
import type { Action, ActionName } from '../../../shared/catalogue/actions/index.js'
import type { ActionDefinition } from '../../../shared/catalogue/define-action.js'
import type { Transaction } from '../../db/client.js'
import type { CscxTables } from '../tables.js'
import { addStakeholder } from './add-stakeholder.js'
import { createCustomer } from './create-customer.js'
import { createRiskSignal } from './create-risk-signal.js'
import { createTask } from './create-task.js'
import type { ActionContext, Executor } from './executor.js'
import { logActivity } from './log-activity.js'
import { requireActionTable } from './needs.js'
import { updateCustomer } from './update-customer.js'
import { updateHealthScore } from './update-health-score.js'

export { actionTable } from './needs.js'
export type { ActionContext }

const executors: { [Name in ActionName]: Executor<Extract<Action, { name: Name }>> } = {
  create_customer: createCustomer,
  update_customer: updateCustomer,
  add_stakeholder: addStakeholder,
  log_activity: logActivity,
  create_task: createTask,
  create_risk_signal: createRiskSignal,
  update_health_score: updateHealthScore
}

/**
 * Writes a record into CSCX, within the caller's transaction.
 * @param input What the action's input schema returned.
 * @returns the action's output.
 * @throws ApiProblem `customer_not_found`, `customer_ambiguous`, `not_found`, `validation_failed` or `action_unavailable`;
 *   the transaction must then be rolled back. Errors of Postgres pass through.
 */
export async function executeAction<A extends Action> (tx: Transaction, tables: CscxTables, context: ActionContext, action: A, input: z.output<A['input']>): Promise<z.output<A['output']>> {
  const table = requireActionTable(tables, action)
  // The map above pairs each name with the executor of that very action, which the compiler cannot follow through A.
  const execute = executors[action.name] as unknown as Executor<ActionDefinition>
  return action.output.parse(await execute({ tx, tables, table, context, input })) as z.output<A['output']>
}
