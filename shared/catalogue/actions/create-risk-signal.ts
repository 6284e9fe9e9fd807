import { z } from 'zod'
import { withCustomer } from '../customer-reference.js'
import { defineAction } from '../define-action.js'
import { customerSample } from '../fields.js'
import { choice, line, metadata, moment, paragraph, writtenFields } from '../input-fields.js'

export const createRiskSignal = defineAction({
  name: 'create_risk_signal',
  label: 'Create Risk Signal',
  noun: 'Risk Signal',
  description: 'Raises a risk signal for a customer.',
  method: 'POST',
  path: '/api/zapier/signals',
  scope: 'signals:write',
  tables: ['risk_signals'],
  input: withCustomer({
    signal_type: line('Signal Type', 'Such as usage_drop, champion_left, support_escalation, nps_detractor, payment_issue or competitor_threat.'),
    severity: choice(['low', 'medium', 'high', 'critical'], 'Severity', 'How bad it is; medium when empty.').optional(),
    description: paragraph('Description', 'What was noticed.').optional(),
    arr_at_risk: z.number().min(0).max(9_999_999_999).optional().meta({ title: 'ARR at Risk', description: 'Recurring revenue at stake; all of the customer\'s when empty.' }),
    detected_at: moment('Detected At', 'When it was noticed; now when empty.').optional(),
    metadata: metadata.optional()
  }),
  output: z.object({
    ...writtenFields,
    signal_type: z.string().meta({ title: 'Signal Type', description: 'Kind of risk.' }),
    severity: z.string().nullable().meta({ title: 'Severity', description: 'How bad it is.' }),
    description: z.string().nullable().meta({ title: 'Description', description: 'What was noticed.' }),
    arr_at_risk: z.number().nullable().meta({ title: 'ARR at Risk', description: 'Recurring revenue at stake.' }),
    detected_at: z.iso.datetime().nullable().meta({ title: 'Detected At', description: 'When it was noticed.' })
  }),
  sample: {
    input: { customer_name: 'Acme Corp', signal_type: 'champion_left', severity: 'high', description: 'Primary champion Sarah Johnson has left the company', arr_at_risk: 50000 },
    output: {
      id: 'b3a1c9e4-6d52-4f0b-9a77-1e5d8c2f4a60',
      ...customerSample,
      signal_type: 'champion_left',
      severity: 'high',
      description: 'Primary champion Sarah Johnson has left the company',
      arr_at_risk: 50000,
      detected_at: '2026-01-29T10:00:00.000Z'
    }
  }
})
