import type { Page } from '../shared/pagination.js'
import { invalidField } from './problem.js'

const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i

export function isUuid (text: string): boolean {
  return UUID.test(text)
}

/** Reads a cursor: the id after which a page begins. @throws ApiProblem validation_failed when it is none of ours. */
export function parseCursor (cursor: string | undefined): string | undefined {
  if (cursor === undefined || isUuid(cursor)) return cursor
  throw invalidField('#query/cursor', 'This is not a cursor: use next_cursor of the page before', 'invalid_cursor')
}

/** Makes a page of items that were asked for one more than `limit`, which tells whether there is another page. */
export function pageOf<T extends { id: string }> (items: T[], limit: number): Page<T> {
  const data = items.slice(0, limit)
  return { data, next_cursor: items.length > limit ? data.at(-1)?.id ?? null : null }
}
