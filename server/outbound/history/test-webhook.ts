import { uuidv7 } from 'uuidv7'
import { findEvent } from '../../../shared/catalogue/index.js'
import type { DeliveryDetail } from '../../../shared/delivery.js'
import type { Transaction } from '../../db/client.js'
import { invalidField } from '../../problem.js'
import { attemptDelivery } from '../engine/attempts.js'
import { writeAttempts, type MadeAttempt } from '../engine/record-attempts.js'
import type { TakenDelivery } from '../engine/taken.js'
import { openRecipient, type Recipient } from '../sending/compose.js'
import type { Sender } from '../sending/sender.js'
import { findWebhook, type Owner, type WebhookContext, type WebhookRow } from '../webhooks/webhooks.js'
import { getDelivery } from './deliveries.js'

/** No worker has this id: it marks what the test button sends itself. */
const TEST_LEASE = 0

/**
 * Sends a webhook the sample of an event type, once, whether the webhook is active or not, and waits for the answer.
 * It is recorded like any other delivery, but is never retried and ends no webhook. One that failed is discarded: it is
 * nobody's dead letter.
 * @param eventType The webhook's first one when undefined.
 * @throws ApiProblem not_found; validation_failed when there is no such event type.
 */
export async function testWebhook (context: WebhookContext & { sender: Sender }, owner: Owner, webhookId: string, eventType: string | undefined): Promise<DeliveryDetail> {
  const webhook = await findWebhook(context, owner, webhookId)
  const delivery = sampleDelivery(webhook, eventType)
  const made = await attemptDelivery(context.sender, { ...webhook, recipient: tryOpen(context, webhook) }, delivery, [])
  const isDelivered = made.result.kind === 'response' && made.result.status >= 200 && made.result.status < 300
  const decision: MadeAttempt['decision'] = { status: isDelivered ? 'delivered' : 'dead_letter', slowDown: false, throttledForMs: null }
  // Written when all is over, in one transaction: no worker ever sees a test that waits to be sent.
  await context.database.sql.begin(async (tx) => {
    await insertTest(tx, delivery)
    await writeAttempts(tx, TEST_LEASE, [{ ...made, decision }])
    await tx`update cscx_zapier.webhook_deliveries set status = 'discarded', retry_count = 0 where id = ${delivery.id} and status = 'dead_letter'`
  })
  return await getDelivery(context, owner, delivery.id)
}

function sampleDelivery (webhook: WebhookRow, eventType: string | undefined): TakenDelivery {
  const definition = findEvent(eventType ?? webhook.events[0] ?? '')
  if (!definition) throw invalidField('/event', 'Name an event type', 'required')
  return {
    id: uuidv7(),
    organizationId: webhook.organizationId,
    webhookId: webhook.id,
    version: webhook.version,
    isFailing: webhook.failingSince !== null,
    attempts: 0,
    retryCount: 0,
    ageMs: 0,
    event: { id: uuidv7(), event: definition.name, timestamp: new Date().toISOString(), dataJson: JSON.stringify(definition.sample.data) }
  }
}

/** @returns undefined when its secrets cannot be decrypted: the attempt then says so. */
function tryOpen ({ keyRing }: WebhookContext, webhook: WebhookRow): Recipient | undefined {
  try {
    return openRecipient(keyRing, webhook)
  } catch {
    return undefined
  }
}

async function insertTest (tx: Transaction, { id, organizationId, webhookId, event }: TakenDelivery): Promise<void> {
  await tx`insert into cscx_zapier.events (id, organization_id, type, data, is_test, occurred_at)
    values (${event.id}, ${organizationId}, ${event.event}, ${event.dataJson}::text::json, true, ${event.timestamp}::text::timestamptz)`
  await tx`insert into cscx_zapier.webhook_deliveries (id, organization_id, webhook_id, event_id, event_type, leased_by)
    values (${id}, ${organizationId}, ${webhookId}, ${event.id}, ${event.event}, ${TEST_LEASE})`
}
