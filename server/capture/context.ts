import { currentRow, customerIdOf, PERSON_COLUMNS, text, type Change, type ChangeContext, type Person, type Row } from '../../shared/catalogue/change.js'
import { isUuid } from '../cursor.js'
import type { CscxTables } from '../cscx/tables.js'
import type { Queryable } from '../db/client.js'

/** A captured change, and the `organization_id` of its row, as text; null where it has none. */
export interface TenantChange extends Change {
  organizationId: string | null
}

/** What a change needs to know beside its rows. */
export interface Surroundings {
  /**
   * The tenant of the change: that of its row, else its customer's; for approvals, which name a customer in free-form data
   * only, the one organization of their user comes before that. Null when it belongs to none, as shared demo rows do.
   */
  organizationId: string | null
  /** What that tenant may see: ids in a row may name what belongs to somebody else. */
  context: ChangeContext
}

/** Loads the surroundings of a batch of changes, with at most three statements. @returns them in the order of the changes. */
export async function loadSurroundings (sql: Queryable, tables: CscxTables, changes: readonly TenantChange[]): Promise<Surroundings[]> {
  const customers = await loadCustomers(sql, tables, changes)
  const organizations = await loadOrganizations(sql, tables, changes.filter((change) => 'user_id' in currentRow(change)))
  const placed = changes.map((change) => {
    const row = currentRow(change)
    const named = change.table === 'customers' ? row : customers.get(customerIdOf(change.table, row)?.toLowerCase() ?? '') ?? null
    const owner = named === null ? null : text(named, 'organization_id')
    const ofUser = organizations.get(text(row, 'user_id')?.toLowerCase() ?? '') ?? null
    // A customer_id column is a reference that the database checks; one inside action_data is anything its author wrote.
    const organizationId = change.organizationId ?? ('customer_id' in row || change.table === 'customers' ? owner : ofUser ?? owner)
    return { row, organizationId, customer: owner === null || isSame(owner, organizationId) ? named : null }
  })
  const people = await loadPeople(sql, tables, placed)
  return placed.map(({ organizationId, customer }) => ({ organizationId, context: { customer, person: (id) => people(organizationId, id) } }))
}

/** Organizations are compared as text: a deployment may keep their ids as uuid in one table and as text in another. */
function isSame (organization: string, other: string | null): boolean {
  return organization.toLowerCase() === other?.toLowerCase()
}

/** In lower case, as Postgres writes them. */
function uuids (values: Iterable<unknown>): string[] {
  return [...new Set([...values].filter((value): value is string => typeof value === 'string' && isUuid(value)).map((value) => value.toLowerCase()))]
}

async function loadCustomers (sql: Queryable, tables: CscxTables, changes: readonly Change[]): Promise<Map<string, Row>> {
  const ids = uuids(changes.filter((change) => change.table !== 'customers').map((change) => customerIdOf(change.table, currentRow(change))))
  if (ids.length === 0 || tables.get('customers')?.columns.get('id')?.type !== 'uuid') return new Map()
  const rows = await sql<Array<{ id: string, row: Row }>>`
    select c.id::text as id, row_to_json(c.*) as row from public.customers c where c.id = any(${ids}::uuid[])`
  return new Map(rows.map(({ id, row }) => [id, row]))
}

/** Values of the columns that hold the id of a user, each once. */
function namedPeople (placed: ReadonlyArray<{ row: Row, customer: Row | null }>): Set<unknown> {
  const ids = new Set<unknown>()
  for (const { row, customer } of placed) {
    for (const column of PERSON_COLUMNS) {
      ids.add(row[column])
      if (customer !== row) ids.add(customer?.[column])
    }
  }
  return ids
}

/**
 * Loads the users that the rows name.
 * @returns looks one up for an organization: only its members (active or not) are shown to it. A database without
 *   memberships shows all.
 */
async function loadPeople (sql: Queryable, tables: CscxTables, placed: ReadonlyArray<{ row: Row, customer: Row | null, organizationId: string | null }>): Promise<(organization: string | null, id: unknown) => Person | null> {
  const ids = uuids(namedPeople(placed))
  if (ids.length === 0 || tables.get('user_profiles')?.columns.get('id')?.type !== 'uuid') return () => null
  const hasMembers = tables.has('org_members', 'organization_id', 'user_id')
  const isUuidColumn = tables.get('org_members')?.columns.get('user_id')?.type === 'uuid'
  const tenants = [...new Set(placed.flatMap(({ organizationId }) => organizationId?.toLowerCase() ?? []))]
  const memberships = hasMembers
    ? sql`select lower(m.user_id::text) as user_id, array_agg(lower(m.organization_id::text)) as organizations from public.org_members m
        where ${isUuidColumn ? sql`m.user_id = any(${ids}::uuid[])` : sql`lower(m.user_id::text) = any(${ids}::text[])`}
          and lower(m.organization_id::text) = any(${tenants}::text[]) group by 1`
    : sql`select null::text as user_id, null::text[] as organizations`
  const found = await sql<Array<{ id: string, row: Row, organizations: string[] | null }>>`
    select u.id::text as id, row_to_json(u.*) as row, m.organizations
    from public.user_profiles u left join (${memberships}) m on m.user_id = u.id::text
    where u.id = any(${ids}::uuid[])`
  const people = new Map(found.map((user) => [user.id, user]))
  return (organization, id) => {
    const user = people.get(String(id).toLowerCase())
    if (user === undefined || (hasMembers && !user.organizations?.includes(organization?.toLowerCase() ?? ''))) return null
    return { id: user.id, email: text(user.row, 'email'), name: text(user.row, 'full_name', 'name') }
  }
}

/** For rows that carry neither a tenant nor a customer: the organization of the user, if that user is in exactly one. */
async function loadOrganizations (sql: Queryable, tables: CscxTables, changes: readonly Change[]): Promise<Map<string, string>> {
  const ids = uuids(changes.map((change) => currentRow(change)['user_id']))
  if (ids.length === 0 || !tables.has('org_members', 'organization_id', 'status') || tables.get('org_members')?.columns.get('user_id')?.type !== 'uuid') return new Map()
  const rows = await sql<Array<{ user_id: string, organization_id: string }>>`
    select user_id::text, min(organization_id::text) as organization_id from public.org_members
    where user_id = any(${ids}::uuid[]) and status = 'active' group by user_id having count(*) = 1`
  return new Map(rows.map((row) => [row.user_id, row.organization_id]))
}
