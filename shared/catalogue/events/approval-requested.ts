import { defineEvent } from '../define-event.js'
import { approvalData, approvalFields, approvalSample, APPROVAL_TABLES, isPending } from './approval-data.js'

export const approvalRequested = defineEvent({
  name: 'approval.requested',
  label: 'Approval Requested',
  noun: 'Approval',
  description: 'Triggers when an action awaits approval.',
  fields: approvalFields,
  sample: approvalSample,
  use: 'all',
  sources: APPROVAL_TABLES.map((table) => ({
    kind: 'change',
    table,
    operations: ['INSERT'],
    needs: ['id', 'action_type', 'status'],
    project: (change, context) => isPending(change.new) ? approvalData(change, context) : null
  }))
})
