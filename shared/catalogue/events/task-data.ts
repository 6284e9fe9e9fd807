import { currentRow, instant, text, type Change, type ChangeContext } from '../change.js'
import { csmField, csmOf, csmSample, customerFields, customerOf, customerSample, email, id, instantField, longText, nullable, string } from '../fields.js'

export const taskFields = {
  task_id: id('Task ID', 'The task in CSCX.'),
  ...customerFields,
  title: nullable(string('Title', 'What is to be done.')),
  description: nullable(longText('Description', 'Details of the task.')),
  status: nullable(string('Status', 'pending, in_progress, completed or cancelled.')),
  priority: nullable(string('Priority', 'low, medium, high or urgent.')),
  due_date: nullable(instantField('Due Date', 'When the task is due.')),
  assignee_email: nullable(email('Assignee Email', 'E-mail address of the person the task is assigned to.')),
  created_at: nullable(instantField('Created At', 'When the task was created.')),
  completed_at: nullable(instantField('Completed At', 'When the task was completed.')),
  ...csmField
}

export const taskSample = {
  task_id: '4c8e2a61-0b7d-4d93-a5f8-6e1c3b9d7f02',
  ...customerSample,
  title: 'Schedule the quarterly business review',
  description: 'Agree on goals for the next quarter',
  status: 'pending',
  priority: 'high',
  due_date: '2026-02-12T00:00:00.000Z',
  assignee_email: 'csm@company.com',
  created_at: '2026-01-29T10:00:00.000Z',
  completed_at: null,
  ...csmSample
}

/** Whether a `tasks` row is done, by its status or, where that is missing, by its completion time. */
export function isCompleted (row: Change['old']): boolean {
  const status = row === null ? null : text(row, 'status')
  return status === null ? row !== null && instant(row, 'completed_at') !== null : status.toLowerCase() === 'completed'
}

/** Reads a `tasks` row; values are lower-cased, since deployments disagree on their case. */
export function taskData (change: Change, context: ChangeContext) {
  const row = currentRow(change)
  return {
    task_id: text(row, 'id') ?? '',
    ...customerOf(context, text(row, 'customer_id')),
    title: text(row, 'title'),
    description: text(row, 'description'),
    status: text(row, 'status')?.toLowerCase() ?? null,
    priority: text(row, 'priority')?.toLowerCase() ?? null,
    due_date: instant(row, 'due_date'),
    assignee_email: (context.person(row['assignee_id']) ?? context.person(row['assigned_to']))?.email ?? null,
    created_at: instant(row, 'created_at'),
    completed_at: instant(row, 'completed_at'),
    ...csmOf(context)
  }
}
