import { z } from 'zod'
import { withCustomer } from '../customer-reference.js'
import { defineAction } from '../define-action.js'
import { customerSample } from '../fields.js'
import { choice, emailInput, line, metadata, moment, paragraph, writtenFields } from '../input-fields.js'

export const createTask = defineAction({
  name: 'create_task',
  label: 'Create Task',
  noun: 'Task',
  description: 'Creates a task for a customer.',
  method: 'POST',
  path: '/api/zapier/tasks',
  scope: 'tasks:write',
  tables: ['tasks'],
  input: withCustomer({
    title: line('Title', 'What is to be done.'),
    description: paragraph('Description', 'Details of the task.').optional(),
    priority: choice(['low', 'medium', 'high', 'urgent'], 'Priority', 'How urgent it is; medium when empty.').optional(),
    due_date: moment('Due Date', 'When it is due.').optional(),
    assignee_email: emailInput('Assignee Email', 'E-mail address of a user of the organization.').optional(),
    metadata: metadata.optional()
  }),
  output: z.object({
    ...writtenFields,
    title: z.string().meta({ title: 'Title', description: 'What is to be done.' }),
    description: z.string().nullable().meta({ title: 'Description', description: 'Details of the task.' }),
    status: z.string().nullable().meta({ title: 'Status', description: 'Status of the task.' }),
    priority: z.string().nullable().meta({ title: 'Priority', description: 'How urgent it is.' }),
    due_date: z.iso.datetime().nullable().meta({ title: 'Due Date', description: 'When it is due.' }),
    assignee_email: z.string().nullable().meta({ title: 'Assignee Email', description: 'Who is to do it.' }),
    created_at: z.iso.datetime().nullable().meta({ title: 'Created At', description: 'When the task was created.' })
  }),
  sample: {
    input: { customer_name: 'Acme Corp', title: 'Call the new champion', priority: 'high', due_date: '2026-02-12', assignee_email: 'csm@company.com' },
    output: {
      id: '4c8e2a61-0b7d-4d93-a5f8-6e1c3b9d7f02',
      ...customerSample,
      title: 'Call the new champion',
      description: null,
      status: 'pending',
      priority: 'high',
      due_date: '2026-02-12T00:00:00.000Z',
      assignee_email: 'csm@company.com',
      created_at: '2026-01-29T10:00:00.000Z'
    }
  }
})
