import { changed, date, instant, number, text, type Change, type ChangeContext } from '../change.js'
import { amount, csmField, csmOf, csmSample, customerSample, dateField, id, instantField, nullable, score, string } from '../fields.js'

/** What customer events tell of the customer. */
export const customerDataFields = {
  customer_id: id('Customer ID', 'The customer in CSCX.'),
  customer_name: nullable(string('Customer Name', 'Name of the customer.')),
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
  csm_name: nullable(string('CSM Name', 'Name of the customer-success manager.')),
  external_id: nullable(string('External ID', 'Id of the customer in another system.')),
  created_at: nullable(instantField('Created At', 'When the customer was created.')),
  updated_at: nullable(instantField('Updated At', 'When the customer was last changed.'))
}

export const customerDataSample = {
  ...customerSample,
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
  csm_name: 'Dana Reyes',
  external_id: 'CRM-10042',
  created_at: '2026-01-29T10:00:00.000Z',
  updated_at: '2026-01-29T10:00:00.000Z'
}

/** Reads a `customers` row. */
export function customerData (change: Change, context: ChangeContext) {
  const row = change.new ?? change.old ?? {}
  return {
    customer_id: text(row, 'id') ?? '',
    customer_name: text(row, 'name'),
    domain: text(row, 'domain'),
    industry: text(row, 'industry'),
    segment: text(row, 'segment'),
    tier: text(row, 'tier'),
    stage: text(row, 'stage'),
    status: text(row, 'status'),
    arr: number(row, 'arr'),
    health_score: number(row, 'health_score'),
    renewal_date: date(row, 'renewal_date'),
    ...csmOf(context, row),
    csm_name: text(row, 'csm_name') ?? context.person(row['csm_id'])?.name ?? null,
    external_id: text(row, 'external_id'),
    created_at: instant(row, 'created_at'),
    updated_at: instant(row, 'updated_at')
  }
}

/** Columns whose change is no news of its own: the score has events of its own, the others change with every write. */
const QUIET_COLUMNS = new Set(['updated_at', 'health_score'])

/** Names of the columns that an update changed and that are worth an event. */
export function changedColumns (change: Change): string[] {
  return Object.keys(change.new ?? {}).filter((column) => !QUIET_COLUMNS.has(column) && changed(change, column))
}
