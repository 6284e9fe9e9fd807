import { z } from 'zod'
import { withCustomer } from '../customer-reference.js'
import { defineAction } from '../define-action.js'
import { customerSample } from '../fields.js'
import { line, metadata, moment, paragraph, writtenFields } from '../input-fields.js'

export const logActivity = defineAction({
  name: 'log_activity',
  label: 'Log Activity',
  noun: 'Activity',
  description: 'Logs an activity on a customer\'s timeline.',
  method: 'POST',
  path: '/api/zapier/activities',
  scope: 'activities:write',
  tables: ['customer_activities', 'timeline_activities', 'activities'],
  input: withCustomer({
    activity_type: line('Activity Type', 'Such as call, email, meeting, note or support_call. A type that CSCX does not know is kept in the metadata.'),
    description: paragraph('Description', 'What happened.'),
    subject: line('Subject', 'A headline; the beginning of the description when empty.').optional(),
    occurred_at: moment('Occurred At', 'When it happened; now when empty.').optional(),
    outcome: line('Outcome', 'What came of it.').optional(),
    participants: z.array(line('Participant', 'Name or e-mail address.')).max(100).optional()
      .meta({ title: 'Participants', description: 'Who took part: names or e-mail addresses.' }),
    metadata: metadata.optional()
  }),
  output: z.object({
    ...writtenFields,
    activity_type: z.string().meta({ title: 'Activity Type', description: 'The type that was asked for.' }),
    stored_type: z.string().meta({ title: 'Stored Type', description: 'The type that CSCX holds: the nearest that it knows.' }),
    description: z.string().meta({ title: 'Description', description: 'What happened.' }),
    occurred_at: z.iso.datetime().meta({ title: 'Occurred At', description: 'When it happened.' })
  }),
  sample: {
    input: {
      customer_id: customerSample.customer_id,
      activity_type: 'support_call',
      description: 'Customer called about billing issue',
      occurred_at: '2026-01-29T09:00:00Z',
      metadata: { source: 'zendesk', ticket_id: '12345' }
    },
    output: {
      id: '9c3d7e1a-5b82-4f46-a0d9-4e6b8c2f7a15',
      ...customerSample,
      activity_type: 'support_call',
      stored_type: 'call',
      description: 'Customer called about billing issue',
      occurred_at: '2026-01-29T09:00:00.000Z'
    }
  }
})
