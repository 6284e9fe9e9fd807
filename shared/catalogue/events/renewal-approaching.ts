import { number, text } from '../change.js'
import { defineEvent } from '../define-event.js'
import { amount, csmField, csmSample, customerFields, customerSample, dateField, id, integer, nullable, score } from '../fields.js'

export const renewalApproaching = defineEvent({
  name: 'renewal.approaching',
  label: 'Renewal Approaching',
  noun: 'Renewal',
  description: 'Triggers when the renewal of a customer comes near.',
  fields: {
    ...customerFields,
    renewal_id: nullable(id('Renewal ID', 'The renewal in CSCX, where renewals are kept apart from customers.')),
    renewal_date: dateField('Renewal Date', 'Date of the renewal.'),
    days_until_renewal: integer('Days Until Renewal', 'Days from now until the renewal.'),
    threshold_days: integer('Threshold Days', 'How many days before the renewal this event is raised: one of the thresholds that are configured in CSCX.'),
    arr: nullable(amount('ARR', 'Annual recurring revenue that is up for renewal.')),
    health_score: nullable(score('Health Score', 'Health score (0–100).')),
    ...csmField
  },
  sample: {
    ...customerSample, renewal_id: null, renewal_date: '2026-02-28', days_until_renewal: 30, threshold_days: 30, arr: 120000, health_score: 62, ...csmSample
  },
  sources: [{
    kind: 'renewal_sweep',
    project: ({ customer, renewalId, renewalDate, daysUntil, thresholdDays, csmEmail }) => ({
      customer_id: text(customer, 'id'),
      customer_name: text(customer, 'name'),
      renewal_id: renewalId,
      renewal_date: renewalDate,
      days_until_renewal: daysUntil,
      threshold_days: thresholdDays,
      arr: number(customer, 'arr'),
      health_score: number(customer, 'health_score'),
      csm_email: csmEmail
    })
  }]
})
