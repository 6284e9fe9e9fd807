import { uuidv7 } from 'uuidv7'
import type { NewRedelivery, RedeliveryPreview, RedeliverySelection, RedeliverySummary, RedeliveryView } from '../../../shared/redelivery.js'
import type { Transaction } from '../../db/client.js'
import { ApiProblem } from '../../problem.js'
import type { Owner } from '../webhooks/webhooks.js'
import type { HistoryContext } from './deliveries.js'
import { ofWebhook, webhooksOf } from './delivery-filter.js'
import { isoTime } from './iso-time.js'
import { getRedelivery, summarize } from './redelivery-views.js'
import { withinTime } from './time-limit.js'

/** Redeliveries that an organization may have running: what a worker looks after in a second. */
const RUNNING_MAX = 100

interface Counted {
  webhook_id: string
  name: string
  event: string
  sendable: boolean
  count: number
  oldest: string
  newest: string
}

/** What a redelivery would do, were it started now. @throws ApiProblem validation_failed when there is too much to count. */
export async function previewRedelivery ({ database }: HistoryContext, owner: Owner, wanted: NewRedelivery): Promise<RedeliveryPreview> {
  const counted = await database.sql.begin(async (tx) => await count(tx, owner, wanted))
  const sendable = counted.filter((group) => group.sendable)
  const webhooks = [...sumBy(sendable, ({ webhook_id: id }) => id)].map(([id, number]) => ({
    webhook_id: id, name: sendable.find((group) => group.webhook_id === id)?.name ?? '', count: number
  }))
  return {
    count: sum(sendable),
    oldest: sendable.map(({ oldest }) => oldest).sort()[0] ?? null,
    newest: sendable.map(({ newest }) => newest).sort().at(-1) ?? null,
    webhooks,
    events: [...sumBy(sendable, ({ event }) => event)].map(([event, number]) => ({ event, count: number })),
    left_out: sum(counted) - sum(sendable),
    seconds: Math.max(0, ...webhooks.map((webhook) => webhook.count)) / wanted.per_second
  }
}

/**
 * Starts to redeliver what a filter selects: one redelivery for each webhook, so that none waits for another's receiver.
 * Each takes the deliveries that exist now, oldest first, at its pace, and goes on after a restart.
 * @param tx The transaction that makes it true.
 * @returns the redeliveries; none when nothing matches.
 * @throws ApiProblem validation_failed when there is too much to count; conflict when too many would be running.
 */
export async function startRedeliveries (tx: Transaction, owner: Owner, wanted: NewRedelivery): Promise<RedeliverySummary[]> {
  const totals = [...sumBy((await count(tx, owner, wanted)).filter(({ sendable }) => sendable), ({ webhook_id: id }) => id)]
  await refuseTooMany(tx, owner, totals.length)
  const { statuses, events, from, to } = wanted
  const selection: RedeliverySelection = { statuses, events, from, to }
  const ids = totals.map(() => uuidv7())
  await tx`
    insert into cscx_zapier.redeliveries (id, organization_id, webhook_id, kind, selection, total, per_second, created_by)
    select t.id, ${owner.organizationId}, t.webhook_id, 'redeliver', ${JSON.stringify(selection)}::text::jsonb, t.total, ${wanted.per_second}::real, ${owner.id}
    from unnest(${ids}::uuid[], ${totals.map(([id]) => id)}::uuid[], ${totals.map(([, number]) => number)}::int[]) as t(id, webhook_id, total)`
  return await summarize(tx, owner, ids)
}

/** @throws ApiProblem conflict when the organization would have more redeliveries running than it may. */
export async function refuseTooMany (tx: Transaction, { organizationId }: Owner, more: number): Promise<void> {
  const [row] = await tx<Array<{ running: number }>>`
    select count(*)::int as running from cscx_zapier.redeliveries where organization_id = ${organizationId} and status = 'running'`
  if ((row?.running ?? 0) + more > RUNNING_MAX) {
    throw new ApiProblem('conflict', `${more} more redeliveries (one for each webhook) would be more than the ${RUNNING_MAX} that may run at once: select a webhook, or wait`)
  }
}

/**
 * Ends a redelivery before it is through. What it has made due and nobody has tried yet goes back to what it was; where it
 * took deliveries of several statuses, what was never delivered nor filtered goes back to being a dead letter. What is
 * under way, or waits for its next attempt, goes on. One that is over stays as it is.
 * @throws ApiProblem not_found when the tenant has no such redelivery.
 */
export async function cancelRedelivery (context: HistoryContext, owner: Owner, id: string): Promise<RedeliveryView> {
  await context.database.sql.begin(async (tx) => {
    const [job] = await tx<Array<{ kind: string, selection: RedeliverySelection }>>`
      update cscx_zapier.redeliveries set status = 'cancelled', finished_at = now()
      where id = ${id} and organization_id = ${owner.organizationId} and status = 'running' returning kind, selection`
    if (!job) return
    const statuses = job.kind === 'catch_up' ? ['held'] : job.selection.statuses ?? []
    const back = statuses.length === 1
      ? tx`${statuses[0] as string}::text`
      : tx`case when d.delivered_at is not null then 'delivered' when d.unmet is not null and d.attempts = 0 then 'filtered' else 'dead_letter' end`
    const undone = await tx`
      update cscx_zapier.webhook_deliveries d set status = ${back}, next_attempt_at = 'infinity', redelivery_id = null
      where d.redelivery_id = ${id} and d.organization_id = ${owner.organizationId} and d.status = 'pending' and d.retry_count = 0 and d.leased_by is null returning 1`
    await tx`update cscx_zapier.redeliveries set released = released - ${undone.length}::int where id = ${id}`
  })
  return await getRedelivery(context, owner, id)
}

async function count (tx: Transaction, { organizationId }: Owner, { webhook_id: webhookId, statuses, events, from, to }: NewRedelivery): Promise<Counted[]> {
  return await withinTime(tx, async () => await tx<Counted[]>`
    select w.id as webhook_id, w.name, w.active and w.deleted_at is null as sendable, c.event, c.count, ${isoTime(tx, 'c.oldest')} as oldest, ${isoTime(tx, 'c.newest')} as newest
    from ${webhooksOf(tx, organizationId, webhookId)}
    cross join lateral (
      select d.event_type as event, count(*)::int as count, min(d.created_at) as oldest, max(d.created_at) as newest
      from cscx_zapier.webhook_deliveries d where ${ofWebhook(tx, organizationId, tx`w.id`, { statuses, events, from, to })} group by 1
    ) c
    order by c.count desc, w.id, c.event`)
}

function sum (groups: readonly Counted[]): number {
  return groups.reduce((total, group) => total + group.count, 0)
}

/** Sums of groups that have a key in common, largest first. */
function sumBy (groups: readonly Counted[], keyOf: (group: Counted) => string): Map<string, number> {
  const sums = new Map<string, number>()
  for (const group of groups) sums.set(keyOf(group), (sums.get(keyOf(group)) ?? 0) + group.count)
  return new Map([...sums].sort(([, a], [, b]) => b - a))
}
