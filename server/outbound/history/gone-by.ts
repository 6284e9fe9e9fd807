import type { Queryable } from '../../db/client.js'
import { firstIdAt, ID_MAX, ID_MIN } from './id-time.js'
import { isoTime } from './iso-time.js'

/*
 * Zapier does not pause a subscription: it ends one and later makes another, maybe with another hook URL. Events from
 * between the two have no delivery for either, and what waited for the first was cancelled when it ended. These events
 * have gone by, unless one of the subscriptions in that line has acknowledged them.
 */

/** Predecessors that are looked back at. */
const CHAIN_MAX = 50
/** Events that one step looks at. */
const BATCH = 2_000
/** How far the clocks of this process, which dates events, and of the database, which dates webhooks, may be apart. What this finds too much has deliveries, and so has not gone by. */
const CLOCKS_MS = 60_000

/** A subscription and those that it takes the place of. */
export interface Line {
  organizationId: string
  webhookId: string
  predecessors: string[]
  eventType: string
  /** The id after which events may have gone by because the first of the predecessors had ended. */
  endedAfter: string
  /** The id from which on events are its own. */
  until: string
}

/** @returns undefined for a webhook that takes no other's place. */
export async function findLine (sql: Queryable, organizationId: string, webhookId: string): Promise<Line | undefined> {
  const [row] = await sql<Array<{ predecessors: string[] | null, event_type: string, ended_at: string | null, made_at: string }>>`
    with recursive line as (
      select w.id, w.replaces, w.deleted_at, 0 as depth from cscx_zapier.outbound_webhooks w where w.id = ${webhookId} and w.organization_id = ${organizationId}
      union all
      select p.id, p.replaces, p.deleted_at, line.depth + 1
      from line join cscx_zapier.outbound_webhooks p on p.id = line.replaces and p.organization_id = ${organizationId}
      where line.depth < ${CHAIN_MAX}
    )
    select p.predecessors, w.events[1] as event_type, ${isoTime(sql, 'p.ended_at')} as ended_at, ${isoTime(sql, 'w.created_at')} as made_at
    from cscx_zapier.outbound_webhooks w
    cross join (select array_agg(id) as predecessors, min(deleted_at) as ended_at from line where depth > 0) p
    where w.id = ${webhookId} and w.organization_id = ${organizationId}`
  if (!row?.predecessors || row.ended_at === null) return undefined
  return {
    organizationId,
    webhookId,
    predecessors: row.predecessors,
    eventType: row.event_type,
    endedAfter: firstIdAt(shifted(row.ended_at, -CLOCKS_MS)),
    until: firstIdAt(shifted(row.made_at, CLOCKS_MS))
  }
}

/** After which id events may have gone by: since the first predecessor ended, or since the first delivery that none of them acknowledged. */
export async function gapBegin (sql: Queryable, line: Line): Promise<string> {
  const [row] = await sql<Array<{ id: string }>>`
    select d.id from unnest(${line.predecessors}::uuid[]) as p(id)
    cross join lateral (
      select d.id from cscx_zapier.webhook_deliveries d
      where d.webhook_id = p.id and d.organization_id = ${line.organizationId} and d.status in ('cancelled', 'dead_letter', 'held', 'pending')
      order by d.id limit 1
    ) d
    order by d.id limit 1`
  return earlier(line.endedAfter, row ? row.id.slice(0, 19) + ID_MIN.slice(19) : ID_MAX)
}

/**
 * Events of the gap, oldest first, as a query for `id`, `type`, `created_at`, `has_gone_by` and `acknowledged`.
 * @param after The id after which to look.
 */
export function gapEvents (sql: Queryable, { organizationId, webhookId, predecessors, eventType, until }: Line, after: string, limit: number): ReturnType<Queryable> {
  return sql`
    select e.id, e.type, e.created_at, s.acknowledged,
      not s.acknowledged and not s.settled and (w.filter is null or cscx_zapier.unmet_condition(w.filter, e.data::jsonb) is null) as has_gone_by
    from (
      select e.id, e.type, e.created_at, e.data from cscx_zapier.events e
      where e.organization_id = ${organizationId} and e.type = ${eventType} and not e.is_test
        and e.id > ${after} and e.id < ${until}
      order by e.id limit ${limit}
    ) e
    join cscx_zapier.outbound_webhooks w on w.id = ${webhookId}
    cross join lateral (
      select coalesce(bool_or(d.webhook_id <> ${webhookId} and d.status = 'delivered'), false) as acknowledged,
        coalesce(bool_or(d.webhook_id = ${webhookId} or d.status in ('discarded', 'filtered')), false) as settled
      from cscx_zapier.webhook_deliveries d
      where d.event_id = e.id and d.organization_id = ${organizationId} and d.webhook_id = any(${[webhookId, ...predecessors]}::uuid[])
    ) s`
}

/**
 * Makes deliveries for the next events that have gone by; a bounded number at a time.
 * @param position The last event looked at.
 * @returns how many were made, and the last event looked at now; {@link ID_MAX} when no more are to come.
 */
export async function addGoneBy (sql: Queryable, line: Line, position: string, status: 'held' | 'discarded'): Promise<{ added: number, position: string }> {
  const [row] = await sql<[{ seen: number, added: number, last: string | null }]>`
    with seen as materialized (${gapEvents(sql, line, position, BATCH)}), added as (
      insert into cscx_zapier.webhook_deliveries (id, organization_id, webhook_id, event_id, event_type, status, next_attempt_at)
      select cscx_zapier.delivery_id(s.id), ${line.organizationId}, ${line.webhookId}, s.id, s.type, ${status}, 'infinity'
      from seen s where s.has_gone_by
      on conflict (event_id, webhook_id) do nothing returning 1
    )
    select (select count(*)::int from seen) as seen, (select count(*)::int from added) as added, (select id from seen order by id desc limit 1) as last`
  return { added: row.added, position: row.seen < BATCH || row.last === null ? ID_MAX : row.last }
}

/** The lesser of two ids. */
export function earlier (a: string, b: string): string {
  return a < b ? a : b
}

function shifted (time: string, ms: number): string {
  return new Date(Date.parse(time) + ms).toISOString()
}
