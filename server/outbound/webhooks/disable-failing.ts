import { FAILING_DAYS } from '../../../shared/webhook-state.js'
import type { Database } from '../../db/client.js'
import { disableWebhook } from './end-webhook.js'

/** How often {@link disableFailing} is worth a round, in milliseconds. */
export const DISABLE_FAILING_MS = 5 * 60_000

/** Webhooks that one round switches off at most. */
const ROUND_MAX = 50
/** Failed deliveries of a webhook that are looked at: the newest, and as many of the oldest. */
const SAMPLE = 100
/** Attempts of each that are looked at. */
const ATTEMPTS_MAX = 50

/** How many attempts must have failed within the days. */
const FAILURES_MIN = 5
/** How far apart the first and the last of them lie at least: an outage of an evening is none of days. */
const SPREAD_HOURS = 12
/** How long ago the last of them is at most: whether a receiver to which nothing is sent would still fail, nobody knows. */
const RECENT_HOURS = 24

interface FailingWebhook {
  id: string
  organization_id: string
  last_error: string
}

/**
 * Switches off webhooks that have failed for {@link FAILING_DAYS} days without one success, as Standard Webhooks advises
 * ("Deliverability and reliability") and Svix does. One success starts the days anew (`failing_since`). That a webhook
 * failed once and was sent little since is no reason: within these days, at least {@link FAILURES_MIN} attempts of events
 * as recent must have failed, {@link SPREAD_HOURS} hours apart (the span that Svix asks for) and one of them in the last
 * {@link RECENT_HOURS}. A 429 is no failure, and neither is a secret that we cannot read ourselves.
 *
 * Any number of processes may call it at once.
 * @returns how many webhooks were switched off; call again at once when any was.
 */
export async function disableFailing (database: Pick<Database, 'sql'>): Promise<number> {
  let disabled = 0
  for (const webhook of await findFailing(database)) {
    if (await disableIfStillFailing(database, webhook)) disabled++
  }
  return disabled
}

async function findFailing ({ sql }: Pick<Database, 'sql'>): Promise<FailingWebhook[]> {
  const failed = sql`
    select d.id from cscx_zapier.webhook_deliveries d, since
    where d.webhook_id = w.id and d.organization_id = w.organization_id and d.id >= since.first_id and d.retry_count > 0 and d.last_error is not null`
  return await sql<FailingWebhook[]>`
    with since as materialized (
      -- Ids begin with the time of their event, in milliseconds: the index finds those of the last days.
      select t.at, (lpad(to_hex((extract(epoch from t.at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid as first_id
      from (select now() - ${FAILING_DAYS}::int * interval '1 day' as at) t
    )
    select w.id, w.organization_id, f.last_error
    from since, cscx_zapier.outbound_webhooks w
    cross join lateral (
      select count(*) as failures, min(a.started_at) as first, max(a.started_at) as last, (array_agg(a.error order by a.started_at desc))[1] as last_error
      from ((${failed} order by d.id limit ${SAMPLE}) union (${failed} order by d.id desc limit ${SAMPLE})) d
      cross join lateral (
        select t.started_at, t.error from cscx_zapier.delivery_attempts t
        where t.delivery_id = d.id and t.error is not null and t.error <> 'secret_unreadable' and t.response_status is distinct from 429
        order by t.number desc limit ${ATTEMPTS_MAX}
      ) a
    ) f
    where w.active and w.deleted_at is null and w.failing_since <= since.at
      and f.failures >= ${FAILURES_MIN}::int and f.last - f.first >= ${SPREAD_HOURS}::int * interval '1 hour'
      and f.last >= now() - ${RECENT_HOURS}::int * interval '1 hour'
    order by w.failing_since limit ${ROUND_MAX}`
}

/** A success may have been recorded since it was found, or another process may be at it. */
async function disableIfStillFailing ({ sql }: Pick<Database, 'sql'>, { id, organization_id: organizationId, last_error: lastError }: FailingWebhook): Promise<boolean> {
  return await sql.begin(async (tx) => {
    const rows = await tx`
      select 1 from cscx_zapier.outbound_webhooks
      where id = ${id} and organization_id = ${organizationId} and active and deleted_at is null
        and failing_since <= now() - ${FAILING_DAYS}::int * interval '1 day'
      for no key update skip locked`
    return rows.length > 0 && await disableWebhook(tx, organizationId, id, 'failing', lastError)
  })
}
