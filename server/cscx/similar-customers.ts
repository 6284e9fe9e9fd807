import { text, type Row } from '../../shared/catalogue/change.js'
import type { Candidate } from '../../shared/problem.js'
import type { Queryable } from '../db/client.js'
import type { CscxTables } from './tables.js'

/** Most customers that an answer proposes. */
export const CANDIDATES_MAX = 5
/** Longest part of a name that is compared, in characters, and most words of it. */
const NEEDLE_MAX = 100
const WORDS_MAX = 10
/** Characters that two names must begin with to be alike. */
const PREFIX_LENGTH = 3
/** Words that say what a company is, not which. */
const COMMON_WORDS = new Set(['and', 'the', 'inc', 'corp', 'corporation', 'company', 'group', 'holding', 'holdings', 'ltd', 'limited', 'llc', 'gmbh', 'plc'])

export function toCandidate (row: Row): Candidate {
  return { customer_id: text(row, 'id') ?? '', customer_name: text(row, 'name'), domain: text(row, 'domain') }
}

/**
 * Customers of the organization that a name (or the first label of a domain) might have meant: one contains the other,
 * they share a word, or they begin alike. Needs no extension of Postgres.
 * @returns up to {@link CANDIDATES_MAX}, the likeliest first.
 */
export async function similarCustomers (sql: Queryable, tables: CscxTables, organizationId: string, name: string): Promise<Candidate[]> {
  const needle = name.trim().toLowerCase().slice(0, NEEDLE_MAX)
  if (needle === '') return []
  const words = needle.split(/[^\p{L}\p{N}]+/u).filter((word) => word.length >= PREFIX_LENGTH && !COMMON_WORDS.has(word)).slice(0, WORDS_MAX)
  const prefix = needle.length >= PREFIX_LENGTH ? needle.slice(0, PREFIX_LENGTH) : null
  const byDomain = tables.has('customers', 'domain') ? sql`position(${needle} in lower(coalesce(c.domain, ''))) > 0` : sql`false`
  const rows = await sql<Array<{ row: Row }>>`
    select to_jsonb(c) as row
    from public.customers c
    cross join lateral (select lower(btrim(c.name)) as name) known
    cross join lateral (select
      known.name <> '' and (position(${needle} in known.name) > 0 or position(known.name in ${needle}) > 0) as contained,
      regexp_split_to_array(known.name, '[^[:alnum:]]+') && ${words}::text[] as shares_word,
      starts_with(known.name, ${prefix}) as begins_alike
    ) likeness
    where c.organization_id = ${organizationId} and (contained or shares_word or begins_alike or ${byDomain})
    order by contained desc, shares_word desc, abs(length(known.name) - length(${needle}::text)), c.name, c.id
    limit ${CANDIDATES_MAX}`
  return rows.map(({ row }) => toCandidate(row))
}
