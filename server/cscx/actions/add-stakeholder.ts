import type { addStakeholder as Action } from '../../../shared/catalogue/actions/add-stakeholder.js'
import { instant, text } from '../../../shared/catalogue/change.js'
import { findCustomer } from '../find-customer.js'
import { insertRecord } from '../write.js'
import { csmFallbacks, customerOf, sourceFor, type Executor } from './executor.js'

export const addStakeholder: Executor<typeof Action> = async ({ tx, tables, table, context, input }) => {
  const customer = await findCustomer(tx, tables, context.organizationId, input)
  const { customer_id: id, customer_name: name } = customerOf(customer)
  const row = await insertRecord(tx, {
    table,
    organizationId: context.organizationId,
    given: {
      name: input.name,
      email: input.email,
      phone: input.phone,
      role: input.role,
      title: input.title,
      is_champion: input.is_champion,
      is_decision_maker: input.is_decision_maker,
      is_primary: input.is_primary,
      sentiment: input.sentiment,
      linkedin_url: input.linkedin_url
    },
    set: { customer_id: id, source: sourceFor(table, context) },
    metadata: input.metadata,
    fallbacks: { ...csmFallbacks(customer), role: 'Other' }
  })
  return {
    id: text(row, 'id') ?? '',
    customer_id: id,
    customer_name: name,
    name: text(row, 'name') ?? '',
    email: text(row, 'email'),
    role: text(row, 'role'),
    title: text(row, 'title'),
    created_at: instant(row, 'created_at')
  }
}
