import type { createTask as Action } from '../../../shared/catalogue/actions/create-task.js'
import { instant, text } from '../../../shared/catalogue/change.js'
import { findCustomer } from '../find-customer.js'
import { findPerson, personById } from '../find-person.js'
import { firstAllowed } from '../nearest.js'
import type { Table } from '../tables.js'
import { insertRecord } from '../write.js'
import { columnOf, csmFallbacks, customerOf, sourceFor, type Executor } from './executor.js'

/** A deployment's own default says best which status a task begins with. */
function firstStatus (table: Table): string | undefined {
  const column = table.columns.get('status')
  return column && !column.hasDefault ? firstAllowed(column.allowed, ['pending', 'open', 'todo', 'not_started', 'new', 'backlog']) : undefined
}

export const createTask: Executor<typeof Action> = async ({ tx, tables, table, context, input }) => {
  const customer = await findCustomer(tx, tables, context.organizationId, input)
  const assigneeColumn = columnOf(table, ['assignee_id', 'assigned_to'])
  const assignee = input.assignee_email === undefined
    ? null
    : await findPerson(tx, tables, context.organizationId, input.assignee_email, '/assignee_email')
  const row = await insertRecord(tx, {
    table,
    organizationId: context.organizationId,
    given: {
      title: input.title,
      description: input.description,
      priority: input.priority,
      due_date: input.due_date,
      [assigneeColumn ?? 'assignee_email']: assigneeColumn ? assignee?.id : input.assignee_email
    },
    set: {
      customer_id: customerOf(customer).customer_id,
      priority: input.priority === undefined ? 'medium' : undefined,
      status: firstStatus(table),
      source: sourceFor(table, context)
    },
    metadata: input.metadata,
    fallbacks: csmFallbacks(customer),
    fields: { assignee_id: 'assignee_email', assigned_to: 'assignee_email' }
  })
  const stored = assignee ?? await personById(tx, tables, context.organizationId, row[assigneeColumn ?? ''])
  return {
    id: text(row, 'id') ?? '',
    ...customerOf(customer),
    title: text(row, 'title') ?? '',
    description: text(row, 'description'),
    status: text(row, 'status')?.toLowerCase() ?? null,
    priority: text(row, 'priority')?.toLowerCase() ?? null,
    due_date: instant(row, 'due_date'),
    assignee_email: stored?.email ?? null,
    created_at: instant(row, 'created_at')
  }
}
