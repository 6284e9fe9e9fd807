import type { Row } from '../../shared/catalogue/change.js'
import type { RenewalSource } from '../../shared/catalogue/define-event.js'
import { renewalApproaching } from '../../shared/catalogue/events/renewal-approaching.js'
import type { CscxSchema, CscxTables } from '../cscx/tables.js'
import type { Database, Sql, Transaction } from '../db/client.js'
import { recordEvents } from '../outbound/index.js'
import { newEvent } from './new-event.js'
import { availability } from './sources.js'

const BATCH = 500

interface DueRow {
  organization_id: string
  customer: Row
  renewal_id: string | null
  renewal_date: string
  days_until: number
  threshold_days: number
  csm_email: string | null
}

/**
 * Raises `renewal.approaching` for renewals that have come within a threshold, exactly once for each renewal date and
 * threshold, however often and from how many processes it runs. A renewal that is first seen between two thresholds
 * raises the one it has passed last, so that a day without a running server loses nothing.
 * @param thresholds Days before the renewal.
 * @param today `YYYY-MM-DD`.
 * @returns how many events were raised.
 */
export async function sweepRenewals (database: Database, schema: CscxSchema, thresholds: readonly number[], today: string): Promise<number> {
  const tables = schema.current()
  const [source] = availability(renewalApproaching, tables).sources
  if (source?.kind !== 'renewal_sweep') return 0
  for (let raised = 0; ;) {
    const found = await database.sql.begin((tx) => raiseBatch(tx, tables, source, thresholds, today))
    raised += found
    if (found < BATCH) return raised
  }
}

async function raiseBatch (tx: Transaction, tables: CscxTables, source: RenewalSource, thresholds: readonly number[], today: string): Promise<number> {
  const due = await takeDue(tx, tables, thresholds, today)
  const now = new Date().toISOString()
  await recordEvents(tx, due.map((row) => newEvent(renewalApproaching, row.organization_id, {
    ...source.project({
      customer: row.customer,
      renewalId: row.renewal_id,
      renewalDate: row.renewal_date,
      daysUntil: row.days_until,
      thresholdDays: row.threshold_days,
      csmEmail: row.csm_email
    }),
    origin: 'cscx',
    origin_id: null
  }, now)))
  return due.length
}

/** Notes the thresholds reached and returns the renewals for which that is news. */
async function takeDue (tx: Transaction, tables: CscxTables, thresholds: readonly number[], today: string): Promise<DueRow[]> {
  const people = tables.has('user_profiles', 'id', 'email') && tables.has('customers', 'csm_id')
  return await tx<DueRow[]>`
    with renewals as (${renewalDates(tx, tables)}), due as (
      select distinct on (customer_id, renewal_date) organization_id, customer_id, renewal_id, renewal_date,
        renewal_date - ${today}::date as days_until, t.threshold_days
      from renewals r
      cross join lateral (select min(days) as threshold_days from unnest(${[...thresholds]}::int[]) as days where days >= r.renewal_date - ${today}::date) t
      where renewal_date >= ${today}::date and t.threshold_days is not null
        and not exists (select from cscx_zapier.renewal_notices n where n.organization_id = r.organization_id
          and n.customer_id = r.customer_id and n.renewal_date = r.renewal_date and n.threshold_days = t.threshold_days)
      order by customer_id, renewal_date, renewal_id nulls last
      limit ${BATCH}
    ), news as (
      insert into cscx_zapier.renewal_notices (organization_id, customer_id, renewal_date, threshold_days)
      select organization_id, customer_id, renewal_date, threshold_days from due
      on conflict do nothing returning customer_id, renewal_date
    )
    select due.organization_id::text, to_jsonb(c) as customer, due.renewal_id, due.renewal_date::text, due.days_until, due.threshold_days,
      ${people ? tx`(select u.email from public.user_profiles u where u.id = c.csm_id)` : tx`null`} as csm_email
    from due join news using (customer_id, renewal_date) join public.customers c on c.id::text = due.customer_id
    order by due.renewal_date`
}

/** Renewal dates kept on customers and, where the table exists, those of renewals that are still open. */
function renewalDates (sql: Transaction | Sql, tables: CscxTables) {
  const open = tables.has('renewals', 'outcome') ? sql`and r.outcome is null` : sql``
  const onCustomers = sql`select c.organization_id, c.id::text as customer_id, null::text as renewal_id, c.renewal_date::date as renewal_date
    from public.customers c where c.organization_id is not null and c.renewal_date is not null`
  const inRenewals = sql`select c.organization_id, c.id::text, r.id::text, r.renewal_date::date
    from public.renewals r join public.customers c on c.id = r.customer_id where c.organization_id is not null and r.renewal_date is not null ${open}`
  if (!tables.has('renewals', 'customer_id', 'renewal_date')) return onCustomers
  return tables.has('customers', 'renewal_date') ? sql`${onCustomers} union all ${inRenewals}` : inRenewals
}
