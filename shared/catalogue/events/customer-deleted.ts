import { defineEvent } from '../define-event.js'
import { customerData, customerDataFields, customerDataSample } from './customer-data.js'

export const customerDeleted = defineEvent({
  name: 'customer.deleted',
  label: 'Customer Deleted',
  noun: 'Customer',
  description: 'Triggers when a customer is deleted.',
  fields: customerDataFields,
  sample: { ...customerDataSample, status: 'churned', health_score: 21 },
  sources: [{ kind: 'change', table: 'customers', operations: ['DELETE'], needs: ['id', 'name'], project: customerData }]
})
