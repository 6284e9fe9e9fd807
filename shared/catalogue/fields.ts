import { z } from 'zod'
import { number, text, type ChangeContext, type Row } from './change.js'

/** Longest name, title or other single-line text, in characters. */
export const LINE_MAX = 500
/** Longest description, in characters. */
export const TEXT_MAX = 20_000

export const string = (title: string, description: string) => z.string().max(LINE_MAX).meta({ title, description })
export const longText = (title: string, description: string) => z.string().max(TEXT_MAX).meta({ title, description, multiline: true })
export const id = (title: string, description: string) => z.string().min(1).max(100).meta({ title, description })
export const email = (title: string, description: string) => z.string().max(320).meta({ title, description })
export const score = (title: string, description: string) => z.number().min(0).max(100).meta({ title, description })
export const integer = (title: string, description: string) => z.int().meta({ title, description })
export const amount = (title: string, description: string) => z.number().meta({ title, description })
export const flag = (title: string, description: string) => z.boolean().meta({ title, description })
/** ISO 8601 with time zone (Zapier D023). */
export const instantField = (title: string, description: string) => z.iso.datetime({ offset: true }).meta({ title, description })
/** `YYYY-MM-DD`. */
export const dateField = (title: string, description: string) => z.iso.date().meta({ title, description })
export const enumeration = <T extends z.ZodEnum> (values: T, title: string, description: string) => values.meta({ title, description }) as T

/** A field that may be unknown: always present in what we send, null when empty; a producer may leave it out. */
export function nullable<T extends z.ZodType> (field: T) {
  return field.nullable().default(null as z.output<z.ZodNullable<T>> as never).meta(field.meta() ?? {})
}

/** Who the event is about. Most events begin with these. */
export const customerFields = {
  customer_id: nullable(id('Customer ID', 'The customer in CSCX.')),
  customer_name: nullable(string('Customer Name', 'Name of the customer.'))
}

export const csmField = {
  csm_email: nullable(email('CSM Email', 'E-mail address of the customer-success manager who owns the customer.'))
}

export const customerSample = { customer_id: '7f6c1d2e-93b4-4a55-8c1e-2f4b6a9d0c11', customer_name: 'Acme Corp' }
export const csmSample = { csm_email: 'csm@company.com' }

/** Reads {@link customerFields} from what surrounds a change. */
export function customerOf (context: ChangeContext, fallbackId: string | null = null) {
  const customer = context.customer ?? {}
  return { customer_id: text(customer, 'id') ?? fallbackId, customer_name: text(customer, 'name') }
}

/** Reads {@link csmField}: the owner of the customer, or `csm_id` of the row itself where it has one. */
export function csmOf (context: ChangeContext, row: Row = {}) {
  const owner = context.person(row['csm_id']) ?? context.person(context.customer?.['csm_id'])
  return { csm_email: owner?.email ?? null }
}

/** The customer's annual recurring revenue. */
export function arrOf (context: ChangeContext): number | null {
  return number(context.customer ?? {}, 'arr')
}
