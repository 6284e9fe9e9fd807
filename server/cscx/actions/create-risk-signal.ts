import type { createRiskSignal as Action } from '../../../shared/catalogue/actions/create-risk-signal.js'
import { instant, number, record, text } from '../../../shared/catalogue/change.js'
import { findCustomer } from '../find-customer.js'
import { insertRecord } from '../write.js'
import { csmFallbacks, customerOf, sourceFor, type Executor } from './executor.js'

export const createRiskSignal: Executor<typeof Action> = async ({ tx, tables, table, context, input }) => {
  const customer = await findCustomer(tx, tables, context.organizationId, input)
  const row = await insertRecord(tx, {
    table,
    organizationId: context.organizationId,
    given: {
      signal_type: input.signal_type,
      severity: input.severity,
      description: input.description,
      arr_at_risk: input.arr_at_risk,
      detected_at: input.detected_at
    },
    set: {
      customer_id: customerOf(customer).customer_id,
      severity: input.severity === undefined ? 'medium' : undefined,
      auto_detected: false,
      source: sourceFor(table, context)
    },
    metadata: input.metadata,
    fallbacks: { ...csmFallbacks(customer), description: input.signal_type, title: input.signal_type, status: 'open' }
  })
  return {
    id: text(row, 'id') ?? '',
    ...customerOf(customer),
    signal_type: text(row, 'signal_type') ?? '',
    severity: text(row, 'severity')?.toLowerCase() ?? null,
    description: text(row, 'description'),
    arr_at_risk: number(row, 'arr_at_risk') ?? number(record(row, 'metadata') ?? {}, 'arr_at_risk'),
    detected_at: instant(row, 'detected_at', 'created_at')
  }
}
