import { defineEvent } from '../define-event.js'
import { score } from '../fields.js'
import { scoreData, scoreFields, scoreSample } from './health-score-changed.js'
import { scoreSources } from './score-sources.js'

/** Below this a customer's health is critical: CSCX paints scores under 40 red. */
export const CRITICAL_BELOW = 40

export const healthScoreCritical = defineEvent({
  name: 'health_score.critical',
  label: 'Health Score Critical',
  noun: 'Health Score',
  description: `Triggers when the health score of a customer falls below ${CRITICAL_BELOW}.`,
  fields: { ...scoreFields, threshold: score('Threshold', 'The score below which health is critical.') },
  sample: { ...scoreSample, previous_score: 52, new_score: 34, change: -18, threshold: CRITICAL_BELOW },
  sources: scoreSources((step, context) => {
    const wasCritical = step.previous !== null && step.previous < CRITICAL_BELOW
    return step.next < CRITICAL_BELOW && !wasCritical ? { ...scoreData(step, context), threshold: CRITICAL_BELOW } : null
  })
})
