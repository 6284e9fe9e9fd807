import { text, type Row } from '../../shared/catalogue/change.js'
import type { RenewalSource } from '../../shared/catalogue/define-event.js'
import { renewalApproaching } from '../../shared/catalogue/events/renewal-approaching.js'
import type { CscxSchema, CscxTables } from '../cscx/tables.js'
import type { Database, Transaction } from '../db/client.js'
import type { NewEvent, Taker } from '../outbound/index.js'
import { handOver } from './handover.js'
import { newEvent } from './new-event.js'
import { recordEach } from './record-each.js'
import { renewalDates } from './renewal-dates.js'
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

export interface Sweep {
  /** How many events were raised. */
  raised: number
  /** Customers whose renewal could not become an event. They count as notified: it is not tried again. */
  failed: RenewalFailure[]
}

interface RenewalFailure {
  /** Of the customer. */
  id: string
  reason: string
}

/**
 * Raises `renewal.approaching` for renewals that have come within a threshold, exactly once for each renewal date and
 * threshold, however often and from how many processes it runs. A renewal that is first seen between two thresholds
 * raises the one it has passed last, so that a day without a running server loses nothing.
 * @param thresholds Days before the renewal.
 * @param today `YYYY-MM-DD`.
 * @param taker Whoever delivers in this process.
 */
export async function sweepRenewals (database: Database, schema: CscxSchema, thresholds: readonly number[], today: string, taker?: Taker): Promise<Sweep> {
  const tables = schema.current()
  const sweep: Sweep = { raised: 0, failed: [] }
  const [source] = availability(renewalApproaching, tables).sources
  if (source?.kind !== 'renewal_sweep') return sweep
  for (;;) {
    const { taken, failed } = await raiseBatch(database, tables, source, thresholds, today, taker)
    sweep.raised += taken - failed.length
    sweep.failed.push(...failed)
    if (taken < BATCH) return sweep
  }
}

async function raiseBatch (database: Database, tables: CscxTables, source: RenewalSource, thresholds: readonly number[], today: string, taker: Taker | undefined): Promise<{ taken: number, failed: RenewalFailure[] }> {
  const now = new Date().toISOString()
  return await handOver(taker, async (handover) => await database.sql.begin(async (tx) => {
    const due = await takeDue(tx, tables, thresholds, today)
    const failed = await recordEach(tx, due, (row) => [eventOf(row, source, now)], handover)
    return { taken: due.length, failed: failed.map(({ item, reason }) => ({ id: text(item.customer, 'id') ?? '', reason })) }
  }))
}

function eventOf (row: DueRow, source: RenewalSource, now: string): NewEvent {
  const data = source.project({
    customer: row.customer,
    renewalId: row.renewal_id,
    renewalDate: row.renewal_date,
    daysUntil: row.days_until,
    thresholdDays: row.threshold_days,
    csmEmail: row.csm_email
  })
  return newEvent(renewalApproaching, row.organization_id, { ...data, origin: 'cscx', origin_id: null }, now)
}

/** Notes the thresholds reached and returns the renewals for which that is news. */
async function takeDue (tx: Transaction, tables: CscxTables, thresholds: readonly number[], today: string): Promise<DueRow[]> {
  const people = tables.has('user_profiles', 'id', 'email') && tables.has('customers', 'csm_id')
  // Ids are compared as text, here and in renewalDates: a deployment may keep them as uuid in one table and as text in another.
  const isMember = tables.has('org_members', 'organization_id', 'user_id')
    ? tx`exists (select from public.org_members m where m.user_id::text = u.id::text and m.organization_id::text = due.organization_id::text)`
    : tx`true`
  return await tx<DueRow[]>`
    with renewals as (${renewalDates(tx, tables)}), due as (
      select distinct on (customer_id, renewal_date) organization_id, customer_id, renewal_id, renewal_date,
        renewal_date - ${today}::date as days_until, t.threshold_days
      from renewals r
      cross join lateral (select min(days) as threshold_days from unnest(${[...thresholds]}::int[]) as days where days >= r.renewal_date - ${today}::date) t
      where organization_id is not null and renewal_date >= ${today}::date and t.threshold_days is not null
        and not exists (select from cscx_zapier.renewal_notices n where n.organization_id = r.organization_id
          and n.customer_id = r.customer_id and n.renewal_date = r.renewal_date and n.threshold_days = t.threshold_days)
      order by customer_id, renewal_date, renewal_id nulls last
      limit ${BATCH}
    ), news as (
      insert into cscx_zapier.renewal_notices (organization_id, customer_id, renewal_date, threshold_days)
      select organization_id, customer_id, renewal_date, threshold_days from due
      on conflict do nothing returning customer_id, renewal_date
    )
    select due.organization_id::text, row_to_json(c.*) as customer, due.renewal_id, due.renewal_date::text, due.days_until, due.threshold_days,
      ${people ? tx`u.email` : tx`null`} as csm_email
    from due join news using (customer_id, renewal_date) join public.customers c on c.id::text = due.customer_id
    ${people ? tx`left join public.user_profiles u on u.id::text = c.csm_id::text and ${isMember}` : tx``}
    order by due.renewal_date`
}
