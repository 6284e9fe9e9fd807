import { currentRow, instant, text, type Change, type ChangeContext } from '../change.js'
import { csmField, csmOf, csmSample, customerFields, customerOf, customerSample, id, instantField, longText, nullable, string } from '../fields.js'

export const supportTicketFields = {
  support_ticket_id: id('Support Ticket ID', 'The support ticket in CSCX.'),
  ...customerFields,
  subject: nullable(string('Subject', 'Subject of the ticket.')),
  description: nullable(longText('Description', 'Text of the ticket.')),
  status: nullable(string('Status', 'Status of the ticket.')),
  priority: nullable(string('Priority', 'Priority of the ticket.')),
  external_id: nullable(string('External ID', 'Id of the ticket in the help desk.')),
  created_at: nullable(instantField('Created At', 'When the ticket was created.')),
  ...csmField
}

export const supportTicketSample = {
  support_ticket_id: '1d7b3f58-c24e-49a6-93d0-8f5a2e6b4c17',
  ...customerSample,
  subject: 'Export fails for large reports',
  description: 'Exports over 10,000 rows end with an error',
  status: 'open',
  priority: 'high',
  external_id: 'ZD-12345',
  created_at: '2026-01-29T10:00:00.000Z',
  ...csmSample
}

/** Reads a `support_tickets` row. */
export function supportTicketData (change: Change, context: ChangeContext) {
  const row = currentRow(change)
  return {
    support_ticket_id: text(row, 'id') ?? '',
    ...customerOf(context, text(row, 'customer_id')),
    subject: text(row, 'subject', 'title'),
    description: text(row, 'description', 'body'),
    status: text(row, 'status')?.toLowerCase() ?? null,
    priority: text(row, 'priority', 'severity')?.toLowerCase() ?? null,
    external_id: text(row, 'external_id', 'ticket_id', 'external_ticket_id'),
    created_at: instant(row, 'created_at', 'opened_at'),
    ...csmOf(context)
  }
}
