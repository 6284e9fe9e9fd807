import { defineEvent } from '../define-event.js'
import { customerData, customerDataFields, customerDataSample } from './customer-data.js'

export const customerCreated = defineEvent({
  name: 'customer.created',
  label: 'Customer Created',
  noun: 'Customer',
  description: 'Triggers when a new customer is created.',
  fields: customerDataFields,
  sample: customerDataSample,
  sources: [{ kind: 'change', table: 'customers', operations: ['INSERT'], needs: ['id', 'name'], project: customerData }]
})
