import { z } from 'zod'
import { LINE_MAX } from './fields.js'

const lookup = (title: string, description: string) => z.string().trim().min(1).max(LINE_MAX).optional().meta({ title, description })

/** How an action names its customer: by id, or by anything that tells it apart. */
export const customerReference = {
  customer_id: lookup('Customer ID', 'The customer in CSCX. When it is not known, give a name, domain or external ID instead.'),
  customer_name: lookup('Customer Name', 'Finds the customer by its exact name, in any case.'),
  domain: lookup('Customer Domain', 'Finds the customer by its internet domain, such as acme.com.'),
  external_id: lookup('Customer External ID', 'Finds the customer by its ID in another system.')
}

export const REFERENCE_FIELDS = Object.keys(customerReference) as Array<keyof typeof customerReference>

export type CustomerReference = { [K in keyof typeof customerReference]?: string | undefined }

/** An input schema for a write that belongs to a customer: unknown members are refused, and one way to find the customer is required. */
export function withCustomer<F extends Record<string, z.ZodType>> (fields: F) {
  return z.strictObject({ ...customerReference, ...fields }).refine(
    (input) => REFERENCE_FIELDS.some((field) => (input as CustomerReference)[field] !== undefined),
    {
      path: ['customer_id'],
      message: 'Give customer_id, customer_name, domain or external_id',
      params: { code: 'required' },
      // Checked even when other fields are wrong, so that one answer names every wrong field.
      when: ({ value }) => typeof value === 'object' && value !== null
    }
  )
}
