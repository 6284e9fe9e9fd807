import { currentRow, instant, text } from '../change.js'
import { defineEvent } from '../define-event.js'
import { instantField, longText, nullable } from '../fields.js'
import { riskSignalData, riskSignalFields, riskSignalSample } from './risk-signal-data.js'

export const riskSignalResolved = defineEvent({
  name: 'risk_signal.resolved',
  label: 'Risk Signal Resolved',
  noun: 'Risk Signal',
  description: 'Triggers when a risk signal of a customer is resolved.',
  fields: {
    ...riskSignalFields,
    resolved_at: nullable(instantField('Resolved At', 'When the signal was resolved.')),
    resolution_notes: nullable(longText('Resolution Notes', 'How it was resolved.'))
  },
  sample: { ...riskSignalSample, resolved_at: '2026-02-03T15:30:00.000Z', resolution_notes: 'New champion confirmed' },
  sources: [{
    kind: 'change',
    table: 'risk_signals',
    operations: ['UPDATE'],
    needs: ['id', 'customer_id', 'resolved_at'],
    project: (change, context) => {
      const resolvedAt = instant(change.new ?? {}, 'resolved_at')
      if (resolvedAt === null || instant(change.old ?? {}, 'resolved_at') !== null) return null
      return { ...riskSignalData(change, context), resolved_at: resolvedAt, resolution_notes: text(currentRow(change), 'resolution_notes') }
    }
  }]
})
