import type { updateCustomer as Action } from '../../../shared/catalogue/actions/update-customer.js'
import { ApiProblem } from '../../problem.js'
import { updateRecord } from '../write.js'
import { customerOutput, customerValues } from './customer.js'
import type { Executor } from './executor.js'

export const updateCustomer: Executor<typeof Action> = async (job) => {
  const { tx, table, context } = job
  const { customer_id: id, ...input } = job.input
  const row = await updateRecord(tx, {
    table,
    organizationId: context.organizationId,
    given: await customerValues({ ...job, input }),
    metadata: input.metadata,
    fields: { csm_id: 'csm_email', csm_name: 'csm_email' }
  }, id)
  if (row === null) throw new ApiProblem('not_found', 'There is no such customer')
  return await customerOutput(job, row)
}
