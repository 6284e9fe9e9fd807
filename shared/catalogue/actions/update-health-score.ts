import { z } from 'zod'
import { withCustomer } from '../customer-reference.js'
import { defineAction } from '../define-action.js'
import { customerSample } from '../fields.js'
import { choice, paragraph, scoreInput, writtenFields } from '../input-fields.js'

/** The components of CSCX's PROVE model. */
export const SCORE_COMPONENTS = ['product', 'risk', 'outcomes', 'voice', 'engagement'] as const

const component = (title: string) => z.number().nullable().meta({ title, description: `${title} component (0–100), if known.` })

export const updateHealthScore = defineAction({
  name: 'update_health_score',
  label: 'Update Health Score',
  noun: 'Health Score',
  description: 'Sets one component of a customer\'s health score, or the overall score.',
  method: 'POST',
  path: '/api/zapier/health-scores',
  scope: 'health_scores:write',
  tables: ['health_scores', 'customers'],
  input: withCustomer({
    component: choice([...SCORE_COMPONENTS, 'overall'], 'Component', 'Which part of the health score to set. After a component is set, the overall score is the mean of the known components.'),
    score: scoreInput('Score', 'The new value (0–100).'),
    notes: paragraph('Notes', 'Why it changed.').optional()
  }),
  output: z.object({
    ...writtenFields,
    overall: z.number().meta({ title: 'Overall Score', description: 'The overall health score after the write (0–100).' }),
    previous_overall: z.number().nullable().meta({ title: 'Previous Overall Score', description: 'The overall health score before.' }),
    product: component('Product'),
    risk: component('Risk'),
    outcomes: component('Outcomes'),
    voice: component('Voice'),
    engagement: component('Engagement'),
    calculated_at: z.iso.datetime().meta({ title: 'Calculated At', description: 'When the score was written.' })
  }),
  sample: {
    input: { customer_name: 'Acme Corp', component: 'engagement', score: 45, notes: 'No logins for two weeks' },
    output: {
      id: '6d4b8f2e-7a19-4c53-8e0b-3f9d1a5c7e48',
      ...customerSample,
      overall: 62,
      previous_overall: 85,
      product: 70,
      risk: 60,
      outcomes: 65,
      voice: 70,
      engagement: 45,
      calculated_at: '2026-01-29T10:00:00.000Z'
    }
  }
})
