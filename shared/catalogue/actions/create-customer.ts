import { z } from 'zod'
import { defineAction } from '../define-action.js'
import { line } from '../input-fields.js'
import { customerInput, customerInputSample, CustomerOutput, customerOutputSample } from './customer-input.js'

export const createCustomer = defineAction({
  name: 'create_customer',
  label: 'Create Customer',
  noun: 'Customer',
  description: 'Creates a customer.',
  method: 'POST',
  path: '/api/zapier/customers',
  scope: 'customers:write',
  tables: ['customers'],
  input: z.strictObject({ name: line('Name', 'Name of the customer.'), ...customerInput }),
  output: CustomerOutput,
  sample: { input: { name: 'Acme Corp', ...customerInputSample }, output: customerOutputSample }
})
