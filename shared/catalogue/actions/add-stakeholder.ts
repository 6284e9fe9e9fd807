import { z } from 'zod'
import { withCustomer } from '../customer-reference.js'
import { defineAction } from '../define-action.js'
import { customerSample } from '../fields.js'
import { choice, emailInput, line, metadata, writtenFields } from '../input-fields.js'

export const addStakeholder = defineAction({
  name: 'add_stakeholder',
  label: 'Add Stakeholder',
  noun: 'Stakeholder',
  description: 'Adds a stakeholder to a customer.',
  method: 'POST',
  path: '/api/zapier/stakeholders',
  scope: 'stakeholders:write',
  tables: ['stakeholders'],
  input: withCustomer({
    name: line('Name', 'Full name of the person.'),
    email: emailInput('Email', 'E-mail address of the person.').optional(),
    phone: line('Phone', 'Phone number of the person.').optional(),
    role: line('Role', 'Role in the relationship, such as Champion or Economic Buyer.').optional(),
    title: line('Title', 'Job title.').optional(),
    is_champion: z.boolean().optional().meta({ title: 'Champion', description: 'Whether the person speaks for us.' }),
    is_decision_maker: z.boolean().optional().meta({ title: 'Decision Maker', description: 'Whether the person decides.' }),
    is_primary: z.boolean().optional().meta({ title: 'Primary Contact', description: 'Whether the person is the main contact.' }),
    sentiment: choice(['positive', 'neutral', 'negative'], 'Sentiment', 'How the person feels about the relationship.').optional(),
    linkedin_url: z.url({ protocol: /^https?$/ }).max(500).optional().meta({ title: 'LinkedIn URL', description: 'Profile on LinkedIn.' }),
    metadata: metadata.optional()
  }),
  output: z.object({
    ...writtenFields,
    name: z.string().meta({ title: 'Name', description: 'Full name of the person.' }),
    email: z.string().nullable().meta({ title: 'Email', description: 'E-mail address of the person.' }),
    role: z.string().nullable().meta({ title: 'Role', description: 'Role in the relationship.' }),
    title: z.string().nullable().meta({ title: 'Title', description: 'Job title.' }),
    created_at: z.iso.datetime().nullable().meta({ title: 'Created At', description: 'When the stakeholder was added.' })
  }),
  sample: {
    input: { customer_name: 'Acme Corp', name: 'Sarah Johnson', email: 'sarah.johnson@acme.com', role: 'Champion', title: 'VP Operations', is_champion: true },
    output: {
      id: '5e1f9b7c-3d28-4a60-9c4e-8b7a2d6f1e93',
      ...customerSample,
      name: 'Sarah Johnson',
      email: 'sarah.johnson@acme.com',
      role: 'Champion',
      title: 'VP Operations',
      created_at: '2026-01-29T10:00:00.000Z'
    }
  }
})
