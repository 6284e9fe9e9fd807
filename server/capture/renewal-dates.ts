import type { Fragment } from 'postgres'
import type { CscxTables } from '../cscx/tables.js'
import type { Transaction } from '../db/client.js'

const TIME_TYPES = new Set(['date', 'timestamp', 'timestamptz'])
const TEXT_TYPES = new Set(['text', 'varchar', 'bpchar', 'citext'])

const DAY = '[1-9][0-9]{3}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)'
const LEAP_DAY = '([1-9][0-9](0[48]|[2468][048]|[13579][26])|([2468][048]|[13579][26])00)-02-29'
/** Texts that begin with a day there is (years 1000 to 9999): casting any other to a date would end the whole statement. */
const DATE_PATTERN = `^(${DAY}|${LEAP_DAY})($|[T ])`
const UUID_PATTERN = '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$'

/**
 * Statement of all renewal dates that are known of: those kept on customers and, where the table exists, those of
 * renewals that are still open. Columns: organization_id (uuid), customer_id and renewal_id (text), renewal_date (date).
 * A value that is no date, or no UUID of an organization, is null. CASE, because Postgres may check a WHERE in any order.
 */
export function renewalDates (tx: Transaction, tables: CscxTables): Fragment {
  const organization = uuidOf(tx, tables, 'customers', tx`c.organization_id`)
  const onCustomers = tx`select ${organization} as organization_id, c.id::text as customer_id, null::text as renewal_id,
    ${dateOf(tx, tables, 'customers', tx`c.renewal_date`)} as renewal_date from public.customers c`
  const id = tables.has('renewals', 'id') ? tx`r.id::text` : tx`null::text`
  const open = tables.has('renewals', 'outcome') ? tx`r.outcome is null` : tx`true`
  // A renewal of one tenant that names another's customer is neither's.
  const own = tables.has('renewals', 'organization_id')
    ? tx`(r.organization_id is null or r.organization_id::text = c.organization_id::text)`
    : tx`true`
  const inRenewals = tx`select ${organization} as organization_id, c.id::text as customer_id, ${id} as renewal_id,
    ${dateOf(tx, tables, 'renewals', tx`r.renewal_date`)} as renewal_date
    from public.renewals r join public.customers c on c.id::text = r.customer_id::text where ${open} and ${own}`
  if (!tables.has('renewals', 'customer_id', 'renewal_date')) return onCustomers
  return tables.has('customers', 'renewal_date') ? tx`${onCustomers} union all ${inRenewals}` : inRenewals
}

function dateOf (tx: Transaction, tables: CscxTables, table: string, column: Fragment): Fragment {
  const type = tables.get(table)?.columns.get('renewal_date')?.type ?? ''
  if (TIME_TYPES.has(type)) return tx`case when isfinite(${column}) then ${column}::date end`
  if (TEXT_TYPES.has(type)) return tx`case when ${column}::text ~ ${DATE_PATTERN} then left(${column}::text, 10)::date end`
  return tx`null::date`
}

function uuidOf (tx: Transaction, tables: CscxTables, table: string, column: Fragment): Fragment {
  if (tables.get(table)?.columns.get('organization_id')?.type === 'uuid') return column
  return tx`case when ${column}::text ~* ${UUID_PATTERN} then ${column}::text::uuid end`
}
