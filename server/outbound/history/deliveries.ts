import { uuidv7 } from 'uuidv7'
import { findEvent } from '../../../shared/catalogue/index.js'
import type { Page, PageQuery } from '../../../shared/pagination.js'
import type { StoredEvent } from '../../../shared/envelope.js'
import type { DeliveryStatus, DeliveryView } from '../../../shared/webhook.js'
import { pageOf, parseCursor } from '../../cursor.js'
import type { Transaction } from '../../db/client.js'
import { invalidField } from '../../problem.js'
import { composeRequest } from '../sending/compose.js'
import { openRecipient } from '../engine/delivery-worker.js'
import { writeAttempts } from '../engine/record-attempts.js'
import type { Sender } from '../sending/sender.js'
import { findWebhook, requireWebhook, type Owner, type WebhookContext } from '../webhooks/webhooks.js'

/** No worker has this id: it marks what the test button sends itself. */
const TEST_LEASE = 0
/** Of each delivery, the latest attempts; of each attempt, the beginning of the response. A page stays below some megabytes. */
const ATTEMPTS_SHOWN = 20
const ATTEMPT_BODY_SHOWN = 1_000

export interface LogQuery extends PageQuery {
  status?: DeliveryStatus | undefined
}

interface DeliveryFilter {
  webhookId: string
  /** A single delivery. */
  id?: string
  status?: DeliveryStatus | undefined
  /** Only deliveries older than this one. */
  before?: string | undefined
  limit: number
}

/** Deliveries of a webhook with their attempts, newest first; also of one that has ended, which explains why it did. */
export async function listDeliveries (context: WebhookContext, owner: Owner, webhookId: string, { limit, cursor, status }: LogQuery): Promise<Page<DeliveryView>> {
  await requireWebhook(context, owner, webhookId)
  const deliveries = await readDeliveries(context, owner, { webhookId, status, before: parseCursor(cursor), limit: limit + 1 })
  return pageOf(deliveries, limit)
}

async function readDeliveries ({ database: { sql } }: WebhookContext, owner: Owner, filter: DeliveryFilter): Promise<DeliveryView[]> {
  const time = (column: string) => sql`to_char(${sql(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
  const rows = await sql<Array<{ delivery: DeliveryView }>>`
    select json_build_object(
      'id', d.id, 'event_id', d.event_id, 'event', d.event_type, 'status', d.status, 'is_test', e.is_test, 'retry_count', d.retry_count,
      'response_status', d.response_status, 'response_body', d.response_body, 'error', d.last_error,
      'created_at', ${time('d.created_at')}, 'delivered_at', ${time('d.delivered_at')},
      'next_attempt_at', case when d.status = 'pending' and d.next_attempt_at < 'infinity' then ${time('d.next_attempt_at')} end,
      'payload', e.data, 'attempts', a.attempts) as delivery
    from cscx_zapier.webhook_deliveries d
    join cscx_zapier.events e on e.id = d.event_id
    cross join lateral (
      select coalesce(json_agg(json_build_object('number', t.number, 'started_at', ${time('t.started_at')}, 'duration_ms', t.duration_ms,
        'response_status', t.response_status, 'response_body', left(t.response_body, ${ATTEMPT_BODY_SHOWN}::int), 'error', t.error, 'error_detail', t.error_detail)
        order by t.number, t.started_at), '[]') as attempts
      from (select * from cscx_zapier.delivery_attempts a where a.delivery_id = d.id order by a.number desc limit ${ATTEMPTS_SHOWN}) t
    ) a
    where d.webhook_id = ${filter.webhookId} and d.organization_id = ${owner.organizationId}
      ${filter.id ? sql`and d.id = ${filter.id}` : sql``}
      ${filter.status ? sql`and d.status = ${filter.status}` : sql``}
      ${filter.before ? sql`and d.id < ${filter.before}` : sql``}
    order by d.id desc limit ${filter.limit}`
  return rows.map(({ delivery }) => delivery)
}

/**
 * Sends a webhook the sample of an event type, once, whether the webhook is active or not, and waits for the answer.
 * It is recorded like any other delivery, but is never retried and ends no webhook.
 * @param eventType The webhook's first one when undefined.
 */
export async function testWebhook (context: WebhookContext & { sender: Sender }, owner: Owner, webhookId: string, eventType: string | undefined): Promise<DeliveryView> {
  const webhook = await findWebhook(context, owner, webhookId)
  const definition = findEvent(eventType ?? webhook.events[0] ?? '')
  if (!definition) throw invalidField('/event', 'Name an event type', 'required')
  const startedAt = new Date()
  const event = { id: uuidv7(), event: definition.name, timestamp: startedAt.toISOString(), dataJson: JSON.stringify(definition.sample.data) }
  const deliveryId = uuidv7()
  const request = composeRequest(event, deliveryId, openRecipient(context.keyRing, webhook), Math.floor(startedAt.getTime() / 1000))
  const result = await context.sender.send(request)
  const delivered = result.kind === 'response' && result.status >= 200 && result.status < 300
  const attempt = { deliveryId, organizationId: owner.organizationId, webhookId, number: 1, retryCount: 0, startedAt, result }
  // Written when all is over, in one transaction: no worker ever sees a test that waits to be sent.
  await context.database.sql.begin(async (tx) => {
    await insertTest(tx, owner, webhookId, deliveryId, event)
    await writeAttempts(tx, TEST_LEASE, [{ ...attempt, decision: { status: delivered ? 'delivered' : 'dead_letter' } }])
  })
  const [delivery] = await readDeliveries(context, owner, { webhookId, id: deliveryId, limit: 1 })
  if (!delivery) throw new Error('The test delivery is gone')
  return delivery
}

async function insertTest (tx: Transaction, owner: Owner, webhookId: string, deliveryId: string, event: StoredEvent): Promise<void> {
  await tx`insert into cscx_zapier.events (id, organization_id, type, data, is_test, occurred_at)
    values (${event.id}, ${owner.organizationId}, ${event.event}, ${event.dataJson}::text::json, true, ${event.timestamp}::text::timestamptz)`
  await tx`insert into cscx_zapier.webhook_deliveries (id, organization_id, webhook_id, event_id, event_type, leased_by)
    values (${deliveryId}, ${owner.organizationId}, ${webhookId}, ${event.id}, ${event.event}, ${TEST_LEASE})`
}
