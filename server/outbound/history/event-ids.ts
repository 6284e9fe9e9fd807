import type { Sql } from '../../db/client.js'
import { firstIdAt, ID_MAX, ID_MIN } from './id-time.js'

/** Events of a customer that one page looks at, at most, for those of the types that are asked for. */
const SCAN_MAX = 5_000

/** When an id was made: the time that it begins with (RFC 9562 §5.7), ISO 8601 in UTC. */
export function timeOfId (id: string): string {
  return new Date(parseInt(id.slice(0, 8) + id.slice(9, 13), 16)).toISOString()
}

export interface EventSearch {
  /** Names of event types; all that these are not are left out. */
  types: readonly string[]
  customerId?: string | undefined
  /** When they were recorded: ISO 8601, the end excluded. */
  from?: string | undefined
  to?: string | undefined
  /** Only those before this id. */
  before?: string | undefined
  /** Whether samples that the test button sent count. */
  withTests: boolean
  limit: number
}

export interface FoundIds {
  /** Newest first; at most `limit`. */
  ids: string[]
  /** The id before which there may be more; null when there is none. */
  next: string | null
}

/**
 * Finds ids of events, newest first, in bounded time however long the history: by the index on each type, or on the
 * customer. Events have no index by organization alone, which every one of them would pay for.
 *
 * Their conditions are bounds, and not `type = …`, so that the order names the type too: an order by id alone lets Postgres
 * go backwards through the primary key where it believes a type to be common, and for one without events through all of it.
 * `from` cuts what was found: as a bound it would not end the search before the next type.
 */
export async function findEventIds (sql: Sql, organizationId: string, search: EventSearch): Promise<FoundIds> {
  const { customerId, limit } = search
  if (customerId !== undefined) return await ofCustomer(sql, organizationId, search, customerId)
  const { first, end } = range(search)
  const rows = await sql<Array<{ id: string }>>`
    select e.id from unnest(${[...search.types]}::text[]) as t(type)
    cross join lateral (
      select id from cscx_zapier.events
      where organization_id = ${organizationId} and type >= t.type and (type, id) < (t.type, ${end}::uuid) and (${search.withTests} or not is_test)
      order by type desc, id desc limit ${limit + 1}
    ) e where e.id >= ${first} order by e.id desc limit ${limit + 1}`
  const ids = rows.slice(0, limit).map(({ id }) => id)
  return { ids, next: rows.length > limit ? ids.at(-1) ?? null : null }
}

/** A customer's events of other types are gone through, so many at most: then the page ends, and says where to go on. */
async function ofCustomer (sql: Sql, organizationId: string, search: EventSearch, customerId: string): Promise<FoundIds> {
  const { limit } = search
  const { first, end } = range(search)
  const [found] = await sql<[{ ids: string[], last: string | null }]>`
    with scanned as materialized (
      select id, type from cscx_zapier.events
      where organization_id = ${organizationId} and customer_id >= ${customerId} and (customer_id, id) < (${customerId}, ${end}::uuid)
      order by customer_id desc, id desc limit ${SCAN_MAX}
    )
    select array(select id from scanned where type = any(${[...search.types]}::text[]) and id >= ${first} order by id desc limit ${limit + 1}) as ids,
      (select id from scanned order by id desc offset ${SCAN_MAX - 1}) as last`
  const ids = found.ids.slice(0, limit)
  if (found.ids.length > limit) return { ids, next: ids.at(-1) ?? null }
  return { ids, next: found.last !== null && found.last > first ? found.last : null }
}

/** The ids to look among: from the first on, before the end. */
function range ({ from, to, before }: EventSearch): { first: string, end: string } {
  const ends = [to === undefined ? ID_MAX : firstIdAt(to), before ?? ID_MAX].sort()
  return { first: from === undefined ? ID_MIN : firstIdAt(from), end: ends[0] as string }
}
