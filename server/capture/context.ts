import { currentRow, customerIdOf, PERSON_COLUMNS, text, type Change, type ChangeContext, type Person, type Row } from '../../shared/catalogue/change.js'
import type { CscxTables } from '../cscx/tables.js'
import type { Queryable } from '../db/client.js'

const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i

/** What a batch of changes needs to know of its surroundings, loaded with at most three statements. */
export interface Surroundings {
  contextOf: (change: Change) => ChangeContext
  /** The tenant of a change; null when it belongs to none, as shared demo rows do. */
  organizationOf: (change: Change, captured: string | null) => string | null
}

export async function loadSurroundings (sql: Queryable, tables: CscxTables, changes: readonly Change[]): Promise<Surroundings> {
  const customers = await loadCustomers(sql, tables, changes)
  const customerOf = (change: Change): Row | null => {
    if (change.table === 'customers') return currentRow(change)
    return customers.get(customerIdOf(change.table, currentRow(change)) ?? '') ?? null
  }
  const rows = changes.flatMap((change) => [currentRow(change), customerOf(change) ?? {}])
  const people = await loadPeople(sql, tables, rows)
  const organizations = await loadOrganizations(sql, tables, changes.filter((change) => 'user_id' in currentRow(change)))
  return {
    contextOf: (change) => ({ customer: customerOf(change), person: (id) => people.get(String(id)) ?? null }),
    organizationOf: (change, captured) => captured ??
      text(customerOf(change) ?? {}, 'organization_id') ??
      organizations.get(text(currentRow(change), 'user_id') ?? '') ?? null
  }
}

function uuids (values: Iterable<unknown>): string[] {
  return [...new Set([...values].filter((value): value is string => typeof value === 'string' && UUID.test(value)))]
}

async function loadCustomers (sql: Queryable, tables: CscxTables, changes: readonly Change[]): Promise<Map<string, Row>> {
  const ids = uuids(changes.filter((change) => change.table !== 'customers').map((change) => customerIdOf(change.table, currentRow(change))))
  if (ids.length === 0 || tables.get('customers')?.columns.get('id')?.type !== 'uuid') return new Map()
  const rows = await sql<Array<{ id: string, row: Row }>>`
    select c.id::text as id, to_jsonb(c) as row from public.customers c where c.id = any(${ids}::uuid[])`
  return new Map(rows.map(({ id, row }) => [id, row]))
}

async function loadPeople (sql: Queryable, tables: CscxTables, rows: readonly Row[]): Promise<Map<string, Person>> {
  const ids = uuids(rows.flatMap((row) => PERSON_COLUMNS.map((column) => row[column])))
  if (ids.length === 0 || tables.get('user_profiles')?.columns.get('id')?.type !== 'uuid') return new Map()
  const people = await sql<Array<{ id: string, row: Row }>>`
    select u.id::text as id, to_jsonb(u) as row from public.user_profiles u where u.id = any(${ids}::uuid[])`
  return new Map(people.map(({ id, row }) => [id, { id, email: text(row, 'email'), name: text(row, 'full_name', 'name') }]))
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
