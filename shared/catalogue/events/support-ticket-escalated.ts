import { boolean, instant, text, type Row } from '../change.js'
import { defineEvent } from '../define-event.js'
import { supportTicketData, supportTicketFields, supportTicketSample } from './support-ticket-data.js'

/** Deployments mark an escalation by a status, a flag or a time. */
function isEscalated (row: Row | null): boolean {
  return row !== null && (text(row, 'status')?.toLowerCase() === 'escalated' ||
    boolean(row, 'escalated') === true || boolean(row, 'is_escalated') === true || instant(row, 'escalated_at') !== null)
}

export const supportTicketEscalated = defineEvent({
  name: 'support_ticket.escalated',
  label: 'Support Ticket Escalated',
  noun: 'Support Ticket',
  description: 'Triggers when a support ticket of a customer is escalated.',
  fields: supportTicketFields,
  sample: { ...supportTicketSample, status: 'escalated', priority: 'urgent' },
  sources: [{
    kind: 'change',
    table: 'support_tickets',
    operations: ['INSERT', 'UPDATE'],
    needs: ['id', 'customer_id'],
    project: (change, context) => isEscalated(change.new) && !isEscalated(change.old) ? supportTicketData(change, context) : null
  }]
})
