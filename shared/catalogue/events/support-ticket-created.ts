import { defineEvent } from '../define-event.js'
import { supportTicketData, supportTicketFields, supportTicketSample } from './support-ticket-data.js'

export const supportTicketCreated = defineEvent({
  name: 'support_ticket.created',
  label: 'Support Ticket Created',
  noun: 'Support Ticket',
  description: 'Triggers when a support ticket is created for a customer.',
  fields: supportTicketFields,
  sample: supportTicketSample,
  sources: [{ kind: 'change', table: 'support_tickets', operations: ['INSERT'], needs: ['id', 'customer_id'], project: supportTicketData }]
})
