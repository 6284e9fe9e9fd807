import type { EventDefinition } from '../define-event.js'
import { approvalCompleted } from './approval-completed.js'
import { approvalRequested } from './approval-requested.js'
import { customerCreated } from './customer-created.js'
import { customerDeleted } from './customer-deleted.js'
import { customerUpdated } from './customer-updated.js'
import { healthScoreChanged } from './health-score-changed.js'
import { healthScoreCritical } from './health-score-critical.js'
import { meetingCompleted } from './meeting-completed.js'
import { meetingScheduled } from './meeting-scheduled.js'
import { renewalApproaching } from './renewal-approaching.js'
import { renewalAtRisk } from './renewal-at-risk.js'
import { riskSignalCreated } from './risk-signal-created.js'
import { riskSignalResolved } from './risk-signal-resolved.js'
import { supportTicketCreated } from './support-ticket-created.js'
import { supportTicketEscalated } from './support-ticket-escalated.js'
import { taskCompleted } from './task-completed.js'
import { taskCreated } from './task-created.js'
import { webhookDisabled } from './webhook-disabled.js'

/** Every event type, in the order in which people see them. To add one: a file here, and its name in this list. */
export const events: readonly EventDefinition[] = [
  healthScoreChanged,
  healthScoreCritical,
  customerCreated,
  customerUpdated,
  customerDeleted,
  riskSignalCreated,
  riskSignalResolved,
  renewalApproaching,
  renewalAtRisk,
  taskCreated,
  taskCompleted,
  approvalRequested,
  approvalCompleted,
  supportTicketCreated,
  supportTicketEscalated,
  meetingScheduled,
  meetingCompleted,
  webhookDisabled
]
