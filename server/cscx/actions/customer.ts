import type { z } from 'zod'
import { text, type Row } from '../../../shared/catalogue/change.js'
import type { createCustomer as CreateCustomer } from '../../../shared/catalogue/actions/create-customer.js'
import { customerInput, type CustomerOutput } from '../../../shared/catalogue/actions/customer-input.js'
import { readCustomerRecord } from '../../../shared/catalogue/customer-record.js'
import { findPerson, personById } from '../find-person.js'
import type { Values } from '../write.js'
import type { Job } from './executor.js'

type CustomerFields = Partial<z.output<typeof CreateCustomer['input']>>
type Field = Exclude<keyof CustomerFields, 'csm_email' | 'metadata'>

/** Fields that are columns of the same name. */
const FIELDS = ['name', ...Object.keys(customerInput).filter((name) => name !== 'csm_email' && name !== 'metadata')] as Field[]

/**
 * The columns for a customer's fields, those not given too. The manager's address becomes id and name, as far as there
 * are columns for them.
 */
export async function customerValues ({ tx, tables, table, context, input }: Job<CustomerFields>): Promise<Values> {
  const { csm_email: email, metadata: _, ...fields } = input
  const csm = email === undefined ? null : await findPerson(tx, tables, context.organizationId, email, '/csm_email')
  return {
    ...Object.fromEntries(FIELDS.map((name) => [name, fields[name]])),
    ...(table.columns.has('csm_id') ? { csm_id: csm?.id } : { csm_email: email }),
    ...(table.columns.has('csm_name') ? { csm_name: csm?.name ?? undefined } : {})
  }
}

/** The customer as it stands in the database. */
export async function customerOutput ({ tx, tables, context }: Pick<Job<unknown>, 'tx' | 'tables' | 'context'>, row: Row): Promise<z.input<typeof CustomerOutput>> {
  const csm = await personById(tx, tables, context.organizationId, row['csm_id'])
  return { id: text(row, 'id') ?? '', name: text(row, 'name'), ...readCustomerRecord(row, csm?.email ?? null) }
}
