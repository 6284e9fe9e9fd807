import { instant, text } from '../../../shared/catalogue/change.js'
import type { logActivity as Action } from '../../../shared/catalogue/actions/log-activity.js'
import { findCustomer } from '../find-customer.js'
import { nearestActivityType } from '../nearest.js'
import { insertRecord } from '../write.js'
import { columnOf, csmFallbacks, customerOf, sourceFor, type Executor } from './executor.js'

/** Longest headline made of a description, in characters. */
const HEADLINE_MAX = 120

/** The beginning of a text: its first line, cut at a word where it is longer than the column or the eye likes. */
function headline (description: string, columnMax: number | null): string {
  const [line = ''] = description.split('\n')
  const max = Math.min(HEADLINE_MAX, columnMax ?? HEADLINE_MAX)
  if (line.length <= max) return line.trim()
  return `${line.slice(0, max - 1).replace(/\p{Surrogate}$/u, '').replace(/\s+\S*$/, '')}…`
}

export const logActivity: Executor<typeof Action> = async ({ tx, tables, table, context, input }) => {
  const customer = await findCustomer(tx, tables, context.organizationId, input)
  const typeColumn = columnOf(table, ['type', 'activity_type']) ?? 'type'
  const textColumn = columnOf(table, ['description', 'content', 'notes', 'body']) ?? 'description'
  const timeColumn = columnOf(table, ['timestamp', 'occurred_at', 'activity_date', 'date']) ?? 'occurred_at'
  const titleColumn = columnOf(table, ['subject', 'title'])
  const occurredAt = new Date(input.occurred_at ?? Date.now()).toISOString()
  const storedType = nearestActivityType(table.columns.get(typeColumn)?.allowed ?? null, input.activity_type)
  const title = titleColumn === undefined ? undefined : headline(input.description, table.columns.get(titleColumn)?.maxLength ?? null)
  const fallbacks = csmFallbacks(customer)
  const row = await insertRecord(tx, {
    table,
    organizationId: context.organizationId,
    given: {
      [typeColumn]: storedType,
      [textColumn]: input.description,
      [titleColumn ?? 'subject']: input.subject ?? title,
      [timeColumn]: table.columns.has(timeColumn) ? occurredAt : input.occurred_at,
      outcome: input.outcome,
      participants: input.participants
    },
    set: {
      customer_id: customerOf(customer).customer_id,
      csm_id: fallbacks.csm_id ?? undefined,
      source: sourceFor(table, context)
    },
    metadata: { ...input.metadata, ...(storedType === input.activity_type ? {} : { activity_type: input.activity_type }) },
    // csm_id is text: where a customer has no manager, the activity still says where it came from.
    fallbacks: { ...fallbacks, csm_id: fallbacks.csm_id ?? context.origin },
    fields: { [typeColumn]: 'activity_type', [textColumn]: 'description', [titleColumn ?? 'subject']: 'subject', [timeColumn]: 'occurred_at' }
  })
  return {
    id: text(row, 'id') ?? '',
    ...customerOf(customer),
    activity_type: input.activity_type,
    stored_type: text(row, typeColumn) ?? storedType,
    description: text(row, textColumn) ?? input.description,
    occurred_at: instant(row, timeColumn) ?? occurredAt
  }
}
