import type { MissedQuery, MissedView } from '../../../shared/redelivery.js'
import type { Transaction } from '../../db/client.js'
import { findWebhook, type Owner } from '../webhooks/webhooks.js'
import type { HistoryContext } from './deliveries.js'
import { oldestFirst, ofWebhook } from './delivery-filter.js'
import { earlier, findLine, gapBegin, gapEvents } from './gone-by.js'
import { firstIdAt } from './id-time.js'
import { isoTime } from './iso-time.js'
import { withinTime } from './time-limit.js'

/** Held deliveries that are counted at most, and events of a gap that are looked at. */
const COUNTED_MAX = 100_000

interface Counted {
  event: string
  count: number
  oldest: string
  newest: string
}

/** What a catch-up would deliver, were it started now. @throws ApiProblem not_found; validation_failed when there is too much to count. */
export async function previewMissed (context: HistoryContext, owner: Owner, webhookId: string, query: MissedQuery): Promise<MissedView> {
  await findWebhook(context, owner, webhookId)
  const [held, goneBy] = await context.database.sql.begin(async (tx) => await withinTime(tx, async () => [
    await countHeld(tx, owner, webhookId, query),
    await countGoneBy(tx, owner, webhookId, query)
  ] as const))
  const groups = [...held, ...goneBy.groups]
  const events = new Map<string, number>()
  for (const { event, count } of groups) events.set(event, (events.get(event) ?? 0) + count)
  return {
    count: sum(groups),
    held: sum(held),
    gone_by: sum(goneBy.groups),
    acknowledged: goneBy.acknowledged,
    oldest: groups.map(({ oldest }) => oldest).sort()[0] ?? null,
    newest: groups.map(({ newest }) => newest).sort().at(-1) ?? null,
    events: [...events].map(([event, count]) => ({ event, count })).sort((a, b) => b.count - a.count),
    is_whole: sum(held) < COUNTED_MAX && goneBy.seen < COUNTED_MAX
  }
}

async function countHeld (tx: Transaction, { organizationId }: Owner, webhookId: string, { from, to }: MissedQuery): Promise<Counted[]> {
  return await tx<Counted[]>`
    select c.event, c.count, ${isoTime(tx, 'c.oldest')} as oldest, ${isoTime(tx, 'c.newest')} as newest
    from (
      select d.event_type as event, count(*)::int as count, min(d.created_at) as oldest, max(d.created_at) as newest
      from (
        select d.event_type, d.created_at from cscx_zapier.webhook_deliveries d
        where ${ofWebhook(tx, organizationId, tx`${webhookId}::uuid`, { statuses: ['held'], from, to })} ${oldestFirst(tx)} limit ${COUNTED_MAX}
      ) d group by 1
    ) c`
}

async function countGoneBy (tx: Transaction, { organizationId }: Owner, webhookId: string, { from, to }: MissedQuery): Promise<{ groups: Counted[], acknowledged: number, seen: number }> {
  const line = await findLine(tx, organizationId, webhookId)
  if (!line) return { groups: [], acknowledged: 0, seen: 0 }
  const begin = await gapBegin(tx, line)
  const after = from === undefined || begin > firstIdAt(from) ? begin : firstIdAt(from)
  const until = to === undefined ? line.until : earlier(line.until, firstIdAt(to))
  const [row] = await tx<[{ seen: number, acknowledged: number, count: number, oldest: string, newest: string }]>`
    select c.seen, c.acknowledged, c.count, ${isoTime(tx, 'c.oldest')} as oldest, ${isoTime(tx, 'c.newest')} as newest
    from (
      select count(*)::int as seen, count(*) filter (where g.acknowledged)::int as acknowledged, count(*) filter (where g.has_gone_by)::int as count,
        min(g.created_at) filter (where g.has_gone_by) as oldest, max(g.created_at) filter (where g.has_gone_by) as newest
      from (${gapEvents(tx, { ...line, until }, after, COUNTED_MAX)}) g
    ) c`
  const { seen, acknowledged, count, oldest, newest } = row
  return { groups: count === 0 ? [] : [{ event: line.eventType, count, oldest, newest }], acknowledged, seen }
}

function sum (groups: readonly Counted[]): number {
  return groups.reduce((total, { count }) => total + count, 0)
}
