import { z } from 'zod'
import { defineEvent } from '../define-event.js'
import { changedColumns, customerData, customerDataFields, customerDataSample } from './customer-data.js'

export const customerUpdated = defineEvent({
  name: 'customer.updated',
  label: 'Customer Updated',
  noun: 'Customer',
  description: 'Triggers when details of a customer other than its health score change.',
  fields: {
    ...customerDataFields,
    changed_fields: z.array(z.string()).max(200).meta({ title: 'Changed Fields', description: 'Names of the fields that changed.' })
  },
  sample: { ...customerDataSample, updated_at: '2026-01-29T10:00:00.000Z', changed_fields: ['tier', 'renewal_date'] },
  sources: [{
    kind: 'change',
    table: 'customers',
    operations: ['UPDATE'],
    needs: ['id', 'name'],
    project: (change, context) => {
      const fields = changedColumns(change)
      return fields.length === 0 ? null : { ...customerData(change, context), changed_fields: fields }
    }
  }]
})
