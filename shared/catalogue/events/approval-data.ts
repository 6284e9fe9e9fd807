import { currentRow, instant, record, text, type Change, type ChangeContext } from '../change.js'
import { csmField, csmOf, csmSample, customerFields, customerOf, customerSample, email, id, instantField, longText, nullable, string } from '../fields.js'

/** `approval_queue` is in current use; `approvals` is the older table. */
export const APPROVAL_TABLES = ['approval_queue', 'approvals'] as const

export const approvalFields = {
  approval_id: id('Approval ID', 'The approval in CSCX.'),
  action_type: nullable(string('Action Type', 'What kind of action awaits approval.')),
  description: nullable(longText('Description', 'What awaits approval, in words.')),
  status: nullable(string('Status', 'pending, approved, rejected, modified or expired.')),
  ...customerFields,
  requested_by_email: nullable(email('Requested By', 'E-mail address of the person for whom approval is requested.')),
  requested_at: nullable(instantField('Requested At', 'When approval was requested.')),
  expires_at: nullable(instantField('Expires At', 'When the request expires.')),
  ...csmField
}

export const approvalSample = {
  approval_id: 'e9b5d7c1-2f46-4a8e-b03d-5c7f1a6e8d92',
  action_type: 'send_email',
  description: 'Send the renewal proposal to Acme Corp',
  status: 'pending',
  ...customerSample,
  requested_by_email: 'csm@company.com',
  requested_at: '2026-01-29T10:00:00.000Z',
  expires_at: '2026-01-30T10:00:00.000Z',
  ...csmSample
}

/** Reads a row of either approval table. */
export function approvalData (change: Change, context: ChangeContext) {
  const row = currentRow(change)
  const details = record(row, 'action_data') ?? {}
  return {
    approval_id: text(row, 'id') ?? '',
    action_type: text(row, 'action_type'),
    description: text(row, 'action_description') ?? text(details, 'description', 'subject', 'title'),
    status: text(row, 'status'),
    ...customerOf(context),
    requested_by_email: (context.person(row['user_id']) ?? context.person(row['requested_by']))?.email ?? null,
    requested_at: instant(row, 'created_at'),
    expires_at: instant(row, 'expires_at'),
    ...csmOf(context)
  }
}

export function isPending (row: Change['old']): boolean {
  return row !== null && (text(row, 'status') ?? 'pending') === 'pending'
}
