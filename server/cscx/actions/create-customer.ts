import type { createCustomer as Action } from '../../../shared/catalogue/actions/create-customer.js'
import { insertRecord } from '../write.js'
import { customerOutput, customerValues } from './customer.js'
import type { Executor } from './executor.js'

export const createCustomer: Executor<typeof Action> = async (job) => {
  const { tx, table, context, input } = job
  const row = await insertRecord(tx, {
    table,
    organizationId: context.organizationId,
    given: await customerValues(job),
    metadata: input.metadata,
    fallbacks: { status: 'active' },
    fields: { csm_id: 'csm_email', csm_name: 'csm_email' }
  })
  return await customerOutput(job, row)
}
