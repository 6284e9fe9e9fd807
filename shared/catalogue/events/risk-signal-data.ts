import { boolean, currentRow, instant, number, record, text, type Change, type ChangeContext } from '../change.js'
import { amount, arrOf, csmField, csmOf, csmSample, customerFields, customerOf, customerSample, flag, id, instantField, longText, nullable, string } from '../fields.js'

export const riskSignalFields = {
  risk_signal_id: id('Risk Signal ID', 'The risk signal in CSCX.'),
  ...customerFields,
  signal_type: nullable(string('Signal Type', 'Such as usage_drop, champion_left, support_escalation, nps_detractor, payment_issue or competitor_threat.')),
  severity: nullable(string('Severity', 'low, medium, high or critical.')),
  description: nullable(longText('Description', 'What was noticed.')),
  arr_at_risk: nullable(amount('ARR at Risk', 'Recurring revenue at stake: as noted on the signal, otherwise all of the customer\'s.')),
  detected_at: nullable(instantField('Detected At', 'When the signal was detected.')),
  auto_detected: nullable(flag('Detected Automatically', 'Whether CSCX found it by itself.')),
  ...csmField
}

export const riskSignalSample = {
  risk_signal_id: 'b3a1c9e4-6d52-4f0b-9a77-1e5d8c2f4a60',
  ...customerSample,
  signal_type: 'champion_left',
  severity: 'high',
  description: 'Primary champion Sarah Johnson has left the company',
  arr_at_risk: 50000,
  detected_at: '2026-01-29T10:00:00.000Z',
  auto_detected: true,
  ...csmSample
}

/** Reads a `risk_signals` row. */
export function riskSignalData (change: Change, context: ChangeContext) {
  const row = currentRow(change)
  return {
    risk_signal_id: text(row, 'id') ?? '',
    ...customerOf(context, text(row, 'customer_id')),
    signal_type: text(row, 'signal_type'),
    severity: text(row, 'severity')?.toLowerCase() ?? null,
    description: text(row, 'description'),
    arr_at_risk: number(row, 'arr_at_risk') ?? number(record(row, 'metadata') ?? {}, 'arr_at_risk') ?? arrOf(context),
    detected_at: instant(row, 'detected_at', 'created_at'),
    auto_detected: boolean(row, 'auto_detected'),
    ...csmOf(context)
  }
}
