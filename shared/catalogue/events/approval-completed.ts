import { currentRow, instant } from '../change.js'
import { defineEvent } from '../define-event.js'
import { email, instantField, nullable } from '../fields.js'
import { approvalData, approvalFields, approvalSample, APPROVAL_TABLES, isPending } from './approval-data.js'

export const approvalCompleted = defineEvent({
  name: 'approval.completed',
  label: 'Approval Completed',
  noun: 'Approval',
  description: 'Triggers when a requested approval is decided or expires.',
  fields: {
    ...approvalFields,
    decided_by_email: nullable(email('Decided By', 'E-mail address of the person who decided, where CSCX records it.')),
    decided_at: nullable(instantField('Decided At', 'When the decision was made.'))
  },
  sample: { ...approvalSample, status: 'approved', decided_by_email: 'lead@company.com', decided_at: '2026-01-29T14:05:00.000Z' },
  use: 'all',
  sources: APPROVAL_TABLES.map((table) => ({
    kind: 'change',
    table,
    operations: ['UPDATE'],
    needs: ['id', 'action_type', 'status'],
    project: (change, context) => {
      if (isPending(change.new) || !isPending(change.old)) return null
      const row = currentRow(change)
      return {
        ...approvalData(change, context),
        decided_by_email: (context.person(row['decided_by']) ?? context.person(row['approved_by']))?.email ?? null,
        decided_at: instant(row, 'decided_at', 'approved_at', 'reviewed_at') ?? change.at
      }
    }
  }))
})
