import { date, number, text, type Row } from '../change.js'
import { defineEvent } from '../define-event.js'
import { amount, arrOf, csmField, csmOf, csmSample, customerFields, customerOf, customerSample, dateField, id, nullable, string } from '../fields.js'

/** Risk levels and stages that mean the renewal is in danger, however a deployment spells them. */
const AT_RISK = new Set(['high', 'critical', 'at_risk', 'at risk'])

function isAtRisk (row: Row | null): boolean {
  return row !== null && ['risk_level', 'stage'].some((column) => AT_RISK.has(text(row, column)?.toLowerCase() ?? ''))
}

export const renewalAtRisk = defineEvent({
  name: 'renewal.at_risk',
  label: 'Renewal at Risk',
  noun: 'Renewal',
  description: 'Triggers when a renewal becomes at risk.',
  fields: {
    renewal_id: id('Renewal ID', 'The renewal in CSCX.'),
    ...customerFields,
    renewal_date: nullable(dateField('Renewal Date', 'Date of the renewal.')),
    risk_level: nullable(string('Risk Level', 'How much the renewal is at risk.')),
    previous_risk_level: nullable(string('Previous Risk Level', 'Risk level before.')),
    stage: nullable(string('Stage', 'Stage of the renewal.')),
    probability: nullable(amount('Probability', 'How likely the renewal is, as CSCX holds it.')),
    current_arr: nullable(amount('Current ARR', 'Annual recurring revenue that is up for renewal.')),
    ...csmField
  },
  sample: {
    renewal_id: 'd0f4a7b2-58c3-4e19-8b6d-7a2e9c1f3b54',
    ...customerSample,
    renewal_date: '2026-03-31',
    risk_level: 'high',
    previous_risk_level: 'medium',
    stage: 'negotiation',
    probability: 45,
    current_arr: 120000,
    ...csmSample
  },
  sources: [{
    kind: 'change',
    table: 'renewals',
    operations: ['INSERT', 'UPDATE'],
    needs: ['id', 'customer_id', 'risk_level'],
    project: ({ old, new: row }, context) => {
      if (row === null || !isAtRisk(row) || isAtRisk(old)) return null
      return {
        renewal_id: text(row, 'id') ?? '',
        ...customerOf(context, text(row, 'customer_id')),
        renewal_date: date(row, 'renewal_date'),
        risk_level: text(row, 'risk_level'),
        previous_risk_level: text(old ?? {}, 'risk_level'),
        stage: text(row, 'stage'),
        probability: number(row, 'probability'),
        current_arr: number(row, 'current_arr') ?? arrOf(context),
        ...csmOf(context, row)
      }
    }
  }]
})
