import type { Page } from '../../../shared/pagination.js'
import { parseCursor, pageOf } from '../../cursor.js'
import type { Sql } from '../../db/client.js'
import { indexedStatus, matches, newestFirst, ofWebhook, webhooksOf, type DeliveryFilter } from './delivery-filter.js'
import { ID_MAX, lastIdBeside } from './id-time.js'

/** Deliveries that one page looks at, at most, for those that match. */
const SCAN_MAX = 50_000
/** Events that one page looks at: first few, and where these are not enough, many. More than ever have one half of an id in common. */
const EVENT_SCANS = [500, 20_000] as const

export interface DeliverySearch extends DeliveryFilter {
  webhookId?: string | undefined
  eventId?: string | undefined
  customerId?: string | undefined
  cursor?: string | undefined
  limit: number
}

type Ids = Page<{ id: string }>

/**
 * Finds deliveries, newest first. Every page costs a bounded time, whatever the filter and however long the history: one
 * that has looked at {@link SCAN_MAX} deliveries ends there, maybe with fewer than `limit` or none, and says where to go on.
 */
export async function findDeliveries (sql: Sql, organizationId: string, search: DeliverySearch): Promise<Ids> {
  const before = parseCursor(search.cursor) ?? ID_MAX
  if (search.eventId !== undefined) return await ofEvent(sql, organizationId, search, search.eventId, before)
  if (search.customerId !== undefined) return await ofCustomer(sql, organizationId, search, search.customerId, before)
  return await ofWebhooks(sql, organizationId, search, before)
}

/** Each event has at most one delivery for a webhook: the index on events finds them all. */
async function ofEvent (sql: Sql, organizationId: string, search: DeliverySearch, eventId: string, before: string): Promise<Ids> {
  const rows = await sql<Array<{ id: string }>>`
    select d.id from cscx_zapier.webhook_deliveries d
    where d.event_id = ${eventId} and ${matches(sql, organizationId, search, search.webhookId)} and d.id < ${before}
    order by d.id desc limit ${search.limit + 1}`
  return pageOf([...rows], search.limit)
}

/**
 * Goes through the customer's events, newest first: deliveries do not know their customer. The offset makes Postgres take
 * the deliveries of one event after the other by their index, whatever it believes of the tables' sizes.
 */
async function ofCustomer (sql: Sql, organizationId: string, search: DeliverySearch, customerId: string, before: string): Promise<Ids> {
  let page: Ids = { data: [], next_cursor: null }
  for (const scan of EVENT_SCANS) {
    const [found] = await sql<[{ ids: string[], last: string | null }]>`
      with event as materialized (
        select e.id from cscx_zapier.events e
        where e.organization_id = ${organizationId} and e.customer_id = ${customerId} and e.id <= ${lastIdBeside(before)}
        order by e.id desc limit ${scan}
      ), last as (
        select id from event order by id desc offset ${scan - 1}
      )
      select (select id from last) as last, array(
        select d.id from event e cross join lateral (select * from cscx_zapier.webhook_deliveries d where d.event_id = e.id offset 0) d
        where ${matches(sql, organizationId, search, search.webhookId)} and d.id < ${before}
        order by d.id desc limit ${search.limit + 1}) as ids`
    // Events beside the last one may not have been looked at.
    page = cut(found.ids, found.last === null ? null : lastIdBeside(found.last), search.limit)
    if (page.data.length === search.limit || found.last === null) break
  }
  return page
}

/**
 * Goes through each webhook's deliveries, newest first, and merges what is found: deliveries have no index by
 * organization, which every one of them would pay for.
 */
async function ofWebhooks (sql: Sql, organizationId: string, search: DeliverySearch, before: string): Promise<Ids> {
  const { webhookId, statuses, events, from, to, limit } = search
  const status = indexedStatus(statuses)
  const scan = await scanSize(sql, organizationId, search)
  const rows = ofWebhook(sql, organizationId, sql`w.id`, { statuses: status && [status], from, to }, before)
  const [found] = await sql<[{ ids: string[], floor: string | null }]>`
    with found as (
      select m.ids, f.id as floor from ${webhooksOf(sql, organizationId, webhookId)}
      cross join lateral (
        select array(
          select s.id from (
            select d.id, d.status, d.event_type from cscx_zapier.webhook_deliveries d where ${rows} ${newestFirst(sql)} limit ${scan}
          ) s
          where (${status !== undefined || statuses === undefined} or s.status = any(${[...statuses ?? []]}::text[]))
            and (${events === undefined} or s.event_type = any(${[...events ?? []]}::text[]))
          limit ${limit + 1}) as ids
      ) m
      left join lateral (
        select d.id from cscx_zapier.webhook_deliveries d where cardinality(m.ids) <= ${limit} and ${rows} ${newestFirst(sql)} offset ${scan - 1} limit 1
      ) f on true
    )
    select (select floor from found where floor is not null order by floor desc limit 1) as floor,
      array(select id from found, unnest(found.ids) as id order by id desc limit ${limit + 1}) as ids`
  return cut(found.ids, found.floor, limit)
}

/** How many deliveries of each webhook are looked at. Where an index finds just what is asked for, no more are needed than shown. */
async function scanSize (sql: Sql, organizationId: string, { webhookId, statuses, events, limit }: DeliverySearch): Promise<number> {
  if (events === undefined && (statuses === undefined || indexedStatus(statuses) !== undefined)) return limit + 1
  const [webhooks] = await sql<[{ count: number }]>`select count(*)::int as count from ${webhooksOf(sql, organizationId, webhookId)}`
  return Math.max(limit + 1, Math.floor(SCAN_MAX / Math.max(1, webhooks.count)))
}

/** The page that ends at its limit, or at the id down to which all was looked at; null when everything was. */
function cut (ids: readonly string[], floor: string | null, limit: number): Ids {
  const page = pageOf(ids.filter((id) => floor === null || id >= floor).map((id) => ({ id })), limit)
  return { data: page.data, next_cursor: page.next_cursor ?? floor }
}
