import { z } from 'zod'
import { csmSample } from '../fields.js'
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

const nullableText = (title: string) => z.string().nullable().meta({ title, description: `${title} as it now stands.` })
const nullableMoment = (title: string) => z.iso.datetime().nullable().meta({ title, description: `${title}.` })

/** The customer as it stands after the write. */
export const CustomerOutput = z.object({
  id: z.string().meta({ title: 'ID', description: 'The customer in CSCX.' }),
  name: nullableText('Name'),
  domain: nullableText('Domain'),
  industry: nullableText('Industry'),
  segment: nullableText('Segment'),
  tier: nullableText('Tier'),
  stage: nullableText('Stage'),
  status: nullableText('Status'),
  arr: z.number().nullable().meta({ title: 'ARR', description: 'Annual recurring revenue.' }),
  health_score: z.number().nullable().meta({ title: 'Health Score', description: 'Health score (0–100).' }),
  renewal_date: nullableText('Renewal Date'),
  csm_email: nullableText('CSM Email'),
  external_id: nullableText('External ID'),
  created_at: nullableMoment('Created At'),
  updated_at: nullableMoment('Updated At')
})

export const customerInputSample = { domain: 'acme.com', segment: 'Enterprise', arr: 120000, renewal_date: '2026-06-30', external_id: 'CRM-10042' }

export const customerOutputSample = {
  id: '7f6c1d2e-93b4-4a55-8c1e-2f4b6a9d0c11',
  name: 'Acme Corp',
  domain: 'acme.com',
  industry: 'Manufacturing',
  segment: 'Enterprise',
  tier: 'Gold',
  stage: 'Adoption',
  status: 'active',
  arr: 120000,
  health_score: 85,
  renewal_date: '2026-06-30',
  ...csmSample,
  external_id: 'CRM-10042',
  created_at: '2026-01-29T10:00:00.000Z',
  updated_at: '2026-01-29T10:00:00.000Z'
}
