import { text, type Person, type Row } from '../../shared/catalogue/change.js'
import type { Queryable } from '../db/client.js'
import { invalidField } from '../problem.js'
import { hasId } from './has-id.js'
import type { CscxTables } from './tables.js'

function toPerson (row: Row): Person {
  return { id: text(row, 'id') ?? '', email: text(row, 'email'), name: text(row, 'full_name', 'name') }
}

/**
 * The user with an e-mail address (in any case) who is an active member of the organization.
 * @param pointer JSON Pointer of the field that holds the address.
 * @throws ApiProblem `validation_failed` about that field when there is none, or when this database keeps no users.
 */
export async function findPerson (sql: Queryable, tables: CscxTables, organizationId: string, email: string, pointer: string): Promise<Person> {
  if (!tables.has('user_profiles', 'id', 'email') || !tables.has('org_members', 'organization_id', 'user_id')) {
    throw invalidField(pointer, 'This CSCX database has no users to look up: leave this field out', 'unsupported')
  }
  const active = tables.has('org_members', 'status') ? sql`and m.status::text = 'active'` : sql``
  const [found] = await sql<Array<{ row: Row }>>`
    select to_jsonb(u) as row from public.user_profiles u
    join public.org_members m on m.user_id = u.id
    where m.organization_id = ${organizationId} ${active} and lower(u.email) = lower(${email})
    order by u.id limit 1`
  if (!found) throw invalidField(pointer, 'No active user of the organization has this e-mail address', 'unknown_user')
  return toPerson(found.row)
}

/** A member of the organization, active or not, by the id that a record holds; null when it is nobody's. */
export async function personById (sql: Queryable, tables: CscxTables, organizationId: string, id: unknown): Promise<Person | null> {
  if (typeof id !== 'string' || !tables.has('user_profiles', 'id') || !tables.has('org_members', 'organization_id', 'user_id')) return null
  const [found] = await sql<Array<{ row: Row }>>`
    select to_jsonb(u) as row from public.user_profiles u
    join public.org_members m on m.user_id = u.id
    where m.organization_id = ${organizationId} and ${hasId(sql, tables.get('user_profiles'), 'u', id)} limit 1`
  return found ? toPerson(found.row) : null
}
