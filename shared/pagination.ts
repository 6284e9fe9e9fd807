import { z } from 'zod'

/** Query of every list. `cursor` is the previous page's `next_cursor`. */
export const PageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(25).meta({ title: 'Limit', description: 'How many items a page holds (1–100).' }),
  cursor: z.string().max(200).optional().meta({ title: 'Cursor', description: 'next_cursor of the page before.' })
})
export type PageQuery = z.infer<typeof PageQuery>

/** Every list: items, newest first, and the cursor of the next page (null on the last). */
export const pageSchema = <T extends z.ZodType>(item: T) => z.object({ data: z.array(item), next_cursor: z.string().nullable() })

export interface Page<T> {
  data: T[]
  next_cursor: string | null
}
