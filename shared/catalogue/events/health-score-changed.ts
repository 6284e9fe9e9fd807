import { z } from 'zod'
import { defineEvent } from '../define-event.js'
import { amount, arrOf, csmField, csmOf, csmSample, customerFields, customerOf, customerSample, enumeration, nullable, score, string } from '../fields.js'
import { scoreSources, type ScoreStep } from './score-sources.js'
import { text, type ChangeContext } from '../change.js'

/** Data that both health-score events share. */
export function scoreData ({ previous, next }: ScoreStep, context: ChangeContext) {
  const change = previous === null ? null : next - previous
  return {
    ...customerOf(context),
    previous_score: previous,
    new_score: next,
    change,
    trend: change === null || change === 0 ? 'stable' as const : change < 0 ? 'declining' as const : 'improving' as const,
    ...csmOf(context),
    segment: text(context.customer ?? {}, 'segment'),
    arr: arrOf(context)
  }
}

export const scoreFields = {
  ...customerFields,
  previous_score: nullable(score('Previous Score', 'Health score before (0–100); empty when there was none.')),
  new_score: score('New Score', 'Health score now (0–100).'),
  change: nullable(z.number().min(-100).max(100).meta({ title: 'Change', description: 'New score minus previous score; negative when health drops.' })),
  trend: enumeration(z.enum(['improving', 'declining', 'stable']), 'Trend', 'improving, declining or stable.'),
  ...csmField,
  segment: nullable(string('Segment', 'Segment of the customer.')),
  arr: nullable(amount('ARR', 'Annual recurring revenue of the customer.'))
}

export const scoreSample = {
  ...customerSample, previous_score: 85, new_score: 62, change: -23, trend: 'declining' as const, ...csmSample, segment: 'Enterprise', arr: 120000
}

export const healthScoreChanged = defineEvent({
  name: 'health_score.changed',
  label: 'Health Score Changed',
  noun: 'Health Score',
  description: 'Triggers when the health score of a customer changes.',
  fields: scoreFields,
  sample: scoreSample,
  sources: scoreSources((step, context) => step.previous === step.next ? null : scoreData(step, context))
})
