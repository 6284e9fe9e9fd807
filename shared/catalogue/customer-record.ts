import { date, instant, number, text, type Row } from './change.js'
import { amount, csmField, csmSample, dateField, instantField, nullable, score, string } from './fields.js'

/** What events and actions show of a customer beside its id and name. */
export const customerRecordFields = {
  domain: nullable(string('Domain', 'Internet domain of the customer.')),
  industry: nullable(string('Industry', 'Industry of the customer.')),
  segment: nullable(string('Segment', 'Segment of the customer.')),
  tier: nullable(string('Tier', 'Service tier of the customer.')),
  stage: nullable(string('Stage', 'Lifecycle stage of the customer.')),
  status: nullable(string('Status', 'Status of the customer.')),
  arr: nullable(amount('ARR', 'Annual recurring revenue of the customer.')),
  health_score: nullable(score('Health Score', 'Health score (0–100).')),
  renewal_date: nullable(dateField('Renewal Date', 'Date of the next renewal.')),
  ...csmField,
  external_id: nullable(string('External ID', 'ID of the customer in another system.')),
  created_at: nullable(instantField('Created At', 'When the customer was created.')),
  updated_at: nullable(instantField('Updated At', 'When the customer was last changed.'))
}

export const customerRecordSample = {
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

/** Reads a `customers` row. @param csmEmail The address of its manager, whom the row names by id. */
export function readCustomerRecord (row: Row, csmEmail: string | null) {
  return {
    domain: text(row, 'domain'),
    industry: text(row, 'industry'),
    segment: text(row, 'segment'),
    tier: text(row, 'tier'),
    stage: text(row, 'stage'),
    status: text(row, 'status'),
    arr: number(row, 'arr'),
    health_score: number(row, 'health_score'),
    renewal_date: date(row, 'renewal_date'),
    csm_email: csmEmail ?? text(row, 'csm_email'),
    external_id: text(row, 'external_id'),
    created_at: instant(row, 'created_at'),
    updated_at: instant(row, 'updated_at')
  }
}
