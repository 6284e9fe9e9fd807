import { z } from 'zod'
import { customerRecordFields, customerRecordSample } from '../customer-record.js'
import { customerSample } from '../fields.js'
import { emailInput, line, metadata, scoreInput } from '../input-fields.js'

/** What can be written of a customer; shared by create and update. */
export const customerInput = {
  domain: line('Domain', 'Internet domain, such as acme.com.').optional(),
  industry: line('Industry', 'Industry of the customer.').optional(),
  segment: line('Segment', 'Segment of the customer.').optional(),
  tier: line('Tier', 'Service tier of the customer.').optional(),
  stage: line('Stage', 'Lifecycle stage of the customer.').optional(),
  status: line('Status', 'Status of the customer.').optional(),
  arr: z.number().min(0).max(9_999_999_999).optional().meta({ title: 'ARR', description: 'Annual recurring revenue.' }),
  health_score: scoreInput('Health Score', 'Health score (0–100).').optional(),
  renewal_date: z.iso.date().optional().meta({ title: 'Renewal Date', description: 'Date of the next renewal (YYYY-MM-DD).' }),
  csm_email: emailInput('CSM Email', 'E-mail address of the customer-success manager; must belong to a user of the organization.').optional(),
  employee_count: z.int().min(0).max(100_000_000).optional().meta({ title: 'Employee Count', description: 'How many people work there.' }),
  external_id: line('External ID', 'ID of the customer in another system.').optional(),
  external_source: line('External Source', 'The system that the external ID belongs to.').optional(),
  metadata: metadata.optional()
}

/** The customer as it stands after the write. */
export const CustomerOutput = z.object({
  id: z.string().meta({ title: 'ID', description: 'The customer in CSCX.' }),
  name: z.string().nullable().meta({ title: 'Name', description: 'Name of the customer.' }),
  ...customerRecordFields
})

export const customerInputSample = { domain: 'acme.com', segment: 'Enterprise', arr: 120000, renewal_date: '2026-06-30', external_id: 'CRM-10042' }

export const customerOutputSample = { id: customerSample.customer_id, name: customerSample.customer_name, ...customerRecordSample }
