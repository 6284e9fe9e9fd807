import type { DeliveryDetail, DeliveryQuery } from '../../../shared/delivery.js'
import type { Page, PageQuery } from '../../../shared/pagination.js'
import type { DeliveryStatus, DeliveryView } from '../../../shared/webhook.js'
import type { Sql } from '../../db/client.js'
import { ApiProblem } from '../../problem.js'
import { sentHeaders } from '../sending/compose.js'
import { requireWebhook, type Owner, type WebhookContext } from '../webhooks/webhooks.js'
import { isUnderWay } from './delivery-filter.js'
import { findDeliveries, type DeliverySearch } from './find-deliveries.js'
import { isoTime } from './iso-time.js'

export type HistoryContext = Pick<WebhookContext, 'database'>

/** How much of each delivery is shown. */
interface Extent {
  /** The latest attempts. */
  attempts: number
  /** Of each response, in characters. */
  bodyMax: number
  /** Data larger than this is left out, in bytes. */
  payloadMax: number
  hasHeaders: boolean
}

/** A page of a hundred stays below some megabytes. */
const IN_LISTS: Extent = { attempts: 20, bodyMax: 1_000, payloadMax: 65_536, hasHeaders: false }
/** More than what is stored of a response, and than an event may be large. */
const ALONE: Extent = { attempts: 100, bodyMax: 1_000_000, payloadMax: 100_000_000, hasHeaders: true }

export interface LogQuery extends PageQuery {
  status?: DeliveryStatus | undefined
}

/** Deliveries of a webhook with their attempts, newest first; also of one that has ended, which explains why it did. */
export async function listLogs (context: WebhookContext, owner: Owner, webhookId: string, { status, ...page }: LogQuery): Promise<Page<DeliveryView>> {
  await requireWebhook(context, owner, webhookId)
  return await pageOfDeliveries(context, owner, { ...page, webhookId, statuses: status && [status] })
}

/** Deliveries of the tenant, newest first. A page may hold fewer than `limit` while there are more: only its cursor tells. */
export async function listDeliveries (context: HistoryContext, owner: Owner, query: DeliveryQuery): Promise<Page<DeliveryView>> {
  const { webhook_id: webhookId, event_id: eventId, customer_id: customerId, status, event, from, to, limit, cursor } = query
  return await pageOfDeliveries(context, owner, { webhookId, eventId, customerId, statuses: status, events: event, from, to, limit, cursor })
}

async function pageOfDeliveries ({ database: { sql } }: HistoryContext, owner: Owner, search: DeliverySearch): Promise<Page<DeliveryView>> {
  const { data, next_cursor: nextCursor } = await findDeliveries(sql, owner.organizationId, search)
  return { data: await readDeliveries(sql, owner, data.map(({ id }) => id), IN_LISTS), next_cursor: nextCursor }
}

/** One delivery with all that is kept of it. @throws ApiProblem not_found when the tenant has no such delivery. */
export async function getDelivery ({ database: { sql } }: HistoryContext, owner: Owner, id: string): Promise<DeliveryDetail> {
  const [delivery] = await readDeliveries(sql, owner, [id], ALONE)
  if (!delivery) throw new ApiProblem('not_found', 'There is no such delivery')
  return delivery
}

async function readDeliveries (sql: Sql, { organizationId }: Owner, ids: readonly string[], extent: Extent): Promise<DeliveryDetail[]> {
  if (ids.length === 0) return []
  const rows = await sql<Array<{ delivery: DeliveryDetail }>>`
    select json_build_object(
      'id', d.id, 'webhook_id', d.webhook_id, 'event_id', d.event_id, 'event', d.event_type, 'status', d.status,
      'under_way', u.under_way, 'is_test', coalesce(e.is_test, false), 'attempt_count', d.attempts, 'retry_count', d.retry_count,
      'unmet', case when d.status = 'filtered' then d.unmet end, 'redelivery_id', d.redelivery_id,
      'response_status', d.response_status, 'response_body', left(d.response_body, ${extent.bodyMax}::int), 'error', d.last_error,
      'created_at', ${isoTime(sql, 'd.created_at')}, 'delivered_at', ${isoTime(sql, 'd.delivered_at')},
      'next_attempt_at', case when d.status = 'pending' and d.next_attempt_at < 'infinity' and not u.under_way then ${isoTime(sql, 'd.next_attempt_at')} end,
      'payload', case when octet_length(e.data::text) <= ${extent.payloadMax}::int then e.data end, 'attempts', a.attempts) as delivery
    from cscx_zapier.webhook_deliveries d
    left join cscx_zapier.events e on e.id = d.event_id and e.organization_id = d.organization_id
    cross join lateral (select ${isUnderWay(sql)} as under_way) u
    cross join lateral (
      select coalesce(json_agg(json_build_object('number', t.number, 'started_at', ${isoTime(sql, 't.started_at')}, 'duration_ms', t.duration_ms,
        'phases', json_build_object('dns_ms', t.dns_ms, 'connect_ms', t.connect_ms, 'tls_ms', t.tls_ms, 'first_byte_ms', t.first_byte_ms),
        'address', t.address, 'key_id', t.key_id, 'response_status', t.response_status, 'response_body', left(t.response_body, ${extent.bodyMax}::int),
        ${extent.hasHeaders ? sql`'request_headers', t.request_headers, 'response_headers', t.response_headers,` : sql``}
        'error', t.error, 'error_detail', t.error_detail)
        order by t.number, t.started_at), '[]') as attempts
      from (select * from cscx_zapier.delivery_attempts a where a.delivery_id = d.id and a.organization_id = d.organization_id order by a.number desc limit ${extent.attempts}) t
    ) a
    where d.id = any(${[...ids]}::uuid[]) and d.organization_id = ${organizationId}
    order by d.id desc`
  return rows.map(({ delivery }) => extent.hasHeaders ? withHeaders(delivery) : delivery)
}

/** Completes the headers of the attempts' requests. */
function withHeaders (delivery: DeliveryDetail): DeliveryDetail {
  const { id: deliveryId, event_id: eventId, event: eventType } = delivery
  return {
    ...delivery,
    attempts: delivery.attempts.map((attempt) => ({
      ...attempt,
      request_headers: attempt.request_headers && sentHeaders(attempt.request_headers, { eventId, eventType, deliveryId, startedAt: attempt.started_at })
    }))
  }
}
