import { z } from 'zod'

/** What a credential may do; the sentence is what its owner reads. */
export const SCOPES = {
  'webhooks:read': 'See webhooks and their deliveries',
  'webhooks:write': 'Create, change, test and delete webhooks and Zapier subscriptions',
  'events:read': 'Read event types and recent events',
  'events:write': 'Post events',
  'customers:write': 'Create and update customers',
  'stakeholders:write': 'Add stakeholders',
  'activities:write': 'Log activities',
  'tasks:write': 'Create tasks',
  'signals:write': 'Create risk signals',
  'health_scores:write': 'Update health scores'
} as const

export const Scope = z.enum(Object.keys(SCOPES) as [keyof typeof SCOPES, ...Array<keyof typeof SCOPES>])
export type Scope = z.infer<typeof Scope>
