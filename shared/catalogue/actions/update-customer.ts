import { z } from 'zod'
import { defineAction } from '../define-action.js'
import { line } from '../input-fields.js'
import { customerInput, CustomerOutput, customerOutputSample } from './customer-input.js'

export const updateCustomer = defineAction({
  name: 'update_customer',
  label: 'Update Customer',
  noun: 'Customer',
  description: 'Updates a customer; fields left out stay as they are.',
  method: 'PUT',
  path: '/api/zapier/customers/{customer_id}',
  scope: 'customers:write',
  tables: ['customers'],
  input: z.strictObject({
    customer_id: line('Customer ID', 'The customer in CSCX.'),
    name: line('Name', 'New name of the customer.').optional(),
    ...customerInput
  }).refine((input) => Object.keys(input).some((field) => field !== 'customer_id'), { path: [], message: 'Give at least one field to change', params: { code: 'required' } }),
  output: CustomerOutput,
  sample: { input: { customer_id: customerOutputSample.id, tier: 'Gold', stage: 'Adoption' }, output: customerOutputSample }
})
