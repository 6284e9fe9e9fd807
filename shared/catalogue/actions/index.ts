import type { ActionDefinition } from '../define-action.js'
import { addStakeholder } from './add-stakeholder.js'
import { createCustomer } from './create-customer.js'
import { createRiskSignal } from './create-risk-signal.js'
import { createTask } from './create-task.js'
import { logActivity } from './log-activity.js'
import { updateCustomer } from './update-customer.js'
import { updateHealthScore } from './update-health-score.js'

/** Every action, in the order in which people see them. To add one: a file here, its name in this list, and its write in server/cscx/actions. */
export const actions = [
  createCustomer,
  updateCustomer,
  addStakeholder,
  logActivity,
  createTask,
  createRiskSignal,
  updateHealthScore
] as const satisfies readonly ActionDefinition[]

export type Action = typeof actions[number]
export type ActionName = Action['name']
