import { defineEvent } from '../define-event.js'
import { riskSignalData, riskSignalFields, riskSignalSample } from './risk-signal-data.js'

export const riskSignalCreated = defineEvent({
  name: 'risk_signal.created',
  label: 'Risk Signal Detected',
  noun: 'Risk Signal',
  description: 'Triggers when a risk signal is detected for a customer.',
  fields: riskSignalFields,
  sample: riskSignalSample,
  sources: [{ kind: 'change', table: 'risk_signals', operations: ['INSERT'], needs: ['id', 'customer_id'], project: riskSignalData }]
})
