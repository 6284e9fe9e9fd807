import { z } from 'zod'
import { LINE_MAX, TEXT_MAX } from './fields.js'

/** Fields of action inputs: trimmed, bounded, and forgiving where people's tools differ. */

export const line = (title: string, description: string) => z.string().trim().min(1).max(LINE_MAX).meta({ title, description })
export const paragraph = (title: string, description: string) => z.string().trim().min(1).max(TEXT_MAX).meta({ title, description, multiline: true })
export const emailInput = (title: string, description: string) => z.email().max(320).meta({ title, description })
export const scoreInput = (title: string, description: string) => z.number().min(0).max(100).meta({ title, description })
export const choice = <T extends readonly [string, ...string[]]> (values: T, title: string, description: string) => z.enum(values).meta({ title, description })

/** A moment (ISO 8601 with time zone) or a day (`YYYY-MM-DD`, midnight UTC). */
export const moment = (title: string, description: string) =>
  z.union([z.iso.datetime({ offset: true }), z.iso.date()], { error: 'Give a date (2026-01-29) or a time with zone (2026-01-29T10:00:00Z)' })
    .meta({ title, description })

/** Free key-value pairs, kept with the record: at most 50, 100 characters a key. */
export const metadata = z.record(z.string().min(1).max(100), z.union([z.string().max(5_000), z.number(), z.boolean(), z.null()]))
  .refine((pairs) => Object.keys(pairs).length <= 50, 'At most 50 pairs')
  .meta({ title: 'Metadata', description: 'Further key-value pairs to keep with the record.' })

/** Members that every action's output begins with. */
export const writtenFields = {
  id: z.string().meta({ title: 'ID', description: 'The record that was written.' }),
  customer_id: z.string().meta({ title: 'Customer ID', description: 'The customer in CSCX.' }),
  customer_name: z.string().nullable().meta({ title: 'Customer Name', description: 'Name of the customer.' })
}
