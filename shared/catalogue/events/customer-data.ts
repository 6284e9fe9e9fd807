import { changed, currentRow, text, type Change, type ChangeContext } from '../change.js'
import { customerRecordFields, customerRecordSample, readCustomerRecord } from '../customer-record.js'
import { csmOf, customerSample, id, nullable, string } from '../fields.js'

/** What customer events tell of the customer. */
export const customerDataFields = {
  customer_id: id('Customer ID', 'The customer in CSCX.'),
  customer_name: nullable(string('Customer Name', 'Name of the customer.')),
  ...customerRecordFields,
  csm_name: nullable(string('CSM Name', 'Name of the customer-success manager.'))
}

export const customerDataSample = { ...customerSample, ...customerRecordSample, csm_name: 'Dana Reyes' }

/** Reads the `customers` row of a change. */
export function customerData (change: Change, context: ChangeContext) {
  const row = currentRow(change)
  return {
    customer_id: text(row, 'id') ?? '',
    customer_name: text(row, 'name'),
    ...readCustomerRecord(row, csmOf(context, row).csm_email),
    csm_name: text(row, 'csm_name') ?? context.person(row['csm_id'])?.name ?? null
  }
}

/** Columns whose change is no news of its own: the score has events of its own, the others change with every write. */
const QUIET_COLUMNS = new Set(['updated_at', 'health_score'])

/** Names of the columns that an update changed and that are worth an event. */
export function changedColumns (change: Change): string[] {
  return Object.keys(change.new ?? {}).filter((column) => !QUIET_COLUMNS.has(column) && changed(change, column))
}
