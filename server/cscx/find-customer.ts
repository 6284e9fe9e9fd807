import { domainToASCII, domainToUnicode } from 'node:url'
import type { Row } from '../../shared/catalogue/change.js'
import { REFERENCE_FIELDS, type CustomerReference } from '../../shared/catalogue/customer-reference.js'
import type { FieldError } from '../../shared/problem.js'
import type { Queryable } from '../db/client.js'
import { ApiProblem } from '../problem.js'
import { invalidFields } from '../validation.js'
import { hasId } from './has-id.js'
import { CANDIDATES_MAX, similarCustomers, toCandidate } from './similar-customers.js'
import type { CscxTables } from './tables.js'

type ReferenceField = typeof REFERENCE_FIELDS[number]
type Condition = ReturnType<Queryable>

/** The columns that the ways of naming a customer look at. */
const COLUMNS: Readonly<Record<ReferenceField, string>> = { customer_id: 'id', customer_name: 'name', domain: 'domain', external_id: 'external_id' }

/**
 * The bare host name in what people give as a domain: an address of a page, an e-mail address, `www.acme.com`.
 * @returns lower case; empty when there is none in it.
 */
export function hostName (given: string): string {
  const authority = given.trim().toLowerCase().replace(/^[a-z][a-z0-9+.-]*:\/\//, '').replace(/[/?#].*$/s, '')
  const host = authority.slice(authority.lastIndexOf('@') + 1)
  return host.replace(/[:>\s].*$/s, '').replace(/^www\./, '').replace(/\.+$/, '')
}

/** A customer's domain as stored, without what {@link hostName} takes away. */
function storedHost (sql: Queryable): Condition {
  return sql`regexp_replace(regexp_replace(lower(btrim(c.domain)), '^([a-z][a-z0-9+.-]*://)?(www\\.)?', ''), '[/?#:].*$', '')`
}

function matches (sql: Queryable, tables: CscxTables, field: ReferenceField, given: string): Condition {
  switch (field) {
    case 'customer_id': return hasId(sql, tables.get('customers'), 'c', given)
    case 'customer_name': return sql`lower(btrim(c.name)) = lower(${given.trim()})`
    case 'domain': {
      const host = hostName(given)
      // A domain beyond ASCII may be stored either way (RFC 5891).
      const spellings = [host, domainToASCII(host), domainToUnicode(host)].filter(Boolean)
      return sql`${storedHost(sql)} = any(${spellings}::text[])`
    }
    case 'external_id': return sql`c.external_id::text = ${given.trim()}`
  }
}

function requireColumns (tables: CscxTables, fields: readonly ReferenceField[]): void {
  for (const column of ['id', 'name', 'organization_id']) {
    if (!tables.has('customers', column)) throw new ApiProblem('action_unavailable', `This CSCX database lacks column ${column} of table customers`)
  }
  const errors = fields
    .filter((field) => !tables.has('customers', COLUMNS[field]))
    .map((field): FieldError => ({
      pointer: `/${field}`,
      detail: `This CSCX database does not keep it of customers: use ${REFERENCE_FIELDS.filter((other) => tables.has('customers', COLUMNS[other])).join(', ')}`,
      code: 'unsupported'
    }))
  if (errors.length > 0) throw invalidFields(errors)
}

/**
 * Finds the one customer of an organization that a reference names; everything given in it must match.
 * Rows without an organization are shared demo data and are nobody's.
 * @param reference At least one field.
 * @returns the `customers` row as `to_jsonb` writes it.
 * @throws ApiProblem `customer_not_found` or `customer_ambiguous`, each with up to five candidates; `validation_failed`
 *   for a field whose column this database lacks.
 */
export async function findCustomer (sql: Queryable, tables: CscxTables, organizationId: string, reference: CustomerReference): Promise<Row> {
  const fields = REFERENCE_FIELDS.filter((field) => reference[field] !== undefined)
  requireColumns(tables, fields)
  const condition = fields
    .map((field) => matches(sql, tables, field, reference[field] ?? ''))
    .reduce((all, one) => sql`${all} and ${one}`, sql`c.organization_id = ${organizationId}`)
  const found = await sql<Array<{ row: Row }>>`
    select to_jsonb(c) as row from public.customers c where ${condition} order by c.name, c.id limit ${CANDIDATES_MAX + 1}`
  const rows = found.map(({ row }) => row)
  if (rows.length === 1) return rows[0] as Row
  const given = fields.map((field) => `${field} ${JSON.stringify(reference[field])}`).join(' and ')
  const errorsOf = (detail: string, code: string) => fields.map((field) => ({ pointer: `/${field}`, detail, code }))
  if (rows.length > 1) {
    throw new ApiProblem('customer_ambiguous', `More than one customer has ${given}`, {
      errors: errorsOf('This fits more than one customer: give its customer_id, or another field besides', 'ambiguous'),
      candidates: rows.slice(0, CANDIDATES_MAX).map(toCandidate)
    })
  }
  throw new ApiProblem('customer_not_found', `No customer has ${given}`, {
    errors: errorsOf(fields.length > 1 ? 'No customer fits this together with the other fields' : 'No customer fits this', 'not_found'),
    candidates: await similarCustomers(sql, tables, organizationId, reference.customer_name ?? hostName(reference.domain ?? '').split('.')[0] ?? '')
  })
}
