import type { Database, Transaction } from '../db/client.js'
import type { AttemptResult, Decision } from './outcome.js'

/** An attempt that was made, and what it means for its delivery. */
export interface MadeAttempt {
  deliveryId: string
  organizationId: string
  webhookId: string
  /** 1 for the first. */
  number: number
  retryCount: number
  startedAt: Date
  result: AttemptResult
  decision: Decision
}

interface Outcome {
  status: 'pending' | 'delivered' | 'dead_letter' | 'cancelled'
  delayMs: number | null
  retryCount: number
}

function outcomeOf ({ decision, retryCount }: MadeAttempt): Outcome {
  switch (decision.status) {
    case 'delivered': return { status: 'delivered', delayMs: null, retryCount }
    case 'retry': return { status: 'pending', delayMs: decision.delayMs, retryCount: retryCount + (decision.counts ? 1 : 0) }
    case 'dead_letter': return { status: 'dead_letter', delayMs: null, retryCount: retryCount + 1 }
    case 'end_webhook': return { status: 'cancelled', delayMs: null, retryCount }
  }
}

/** A word for what went wrong; null after a 2xx. */
function errorOf ({ result, decision }: MadeAttempt): string | null {
  if (result.kind === 'failure') return result.error
  if (decision.status === 'end_webhook') return decision.reason
  return decision.status === 'delivered' ? null : `http_${result.status}`
}

/**
 * Records attempts and what became of their deliveries: one statement for the whole batch. A delivery that is no longer
 * pending stays as it is, and one whose lease another worker has taken over is only ever moved to `delivered`.
 */
export async function recordAttempts (database: Database, workerId: number, attempts: readonly MadeAttempt[]): Promise<void> {
  await database.sql.begin(async (tx) => {
    await writeAttempts(tx, workerId, attempts)
    for (const { webhookId, organizationId, decision } of attempts) {
      if (decision.status === 'end_webhook') await endWebhook(tx, organizationId, webhookId, decision.reason)
    }
  })
}

/** Writes attempts and outcomes inside a transaction, without the consequences for their webhooks. */
export async function writeAttempts (tx: Transaction, workerId: number, attempts: readonly MadeAttempt[]): Promise<void> {
  const outcomes = attempts.map(outcomeOf)
  const responses = attempts.map(({ result }) => result.kind === 'response' ? result : null)
  await tx`
    with t as (
      select * from unnest(
        ${attempts.map((attempt) => attempt.deliveryId)}::uuid[],
        ${attempts.map((attempt) => attempt.organizationId)}::uuid[],
        ${attempts.map((attempt) => attempt.number)}::int[],
        ${attempts.map((attempt) => attempt.startedAt.toISOString())}::text[],
        ${attempts.map((attempt) => attempt.result.durationMs)}::int[],
        ${responses.map((response) => response?.status ?? null)}::int[],
        ${responses.map((response) => response?.body ?? null)}::text[],
        ${attempts.map(errorOf)}::text[],
        ${attempts.map(({ result }) => result.kind === 'failure' ? result.detail : null)}::text[],
        ${outcomes.map((outcome) => outcome.status)}::text[],
        ${outcomes.map((outcome) => outcome.delayMs)}::float8[],
        ${outcomes.map((outcome) => outcome.retryCount)}::int[]
      ) as t(delivery_id, organization_id, number, started_at, duration_ms, response_status, response_body, error, error_detail, status, delay_ms, retry_count)
    ), recorded as (
      insert into cscx_zapier.delivery_attempts
        (id, delivery_id, organization_id, number, started_at, duration_ms, response_status, response_body, error, error_detail)
      select cscx_zapier.uuid_v7(), delivery_id, organization_id, number, started_at::timestamptz, duration_ms, response_status, response_body, error, error_detail from t
    )
    update cscx_zapier.webhook_deliveries d set
      status = t.status, attempts = t.number, retry_count = t.retry_count, leased_by = null,
      response_status = t.response_status, response_body = t.response_body, last_error = t.error,
      delivered_at = case when t.status = 'delivered' then now() end,
      next_attempt_at = case when t.delay_ms is null then d.next_attempt_at else now() + t.delay_ms * interval '1 millisecond' end
    from t
    where d.id = t.delivery_id and d.status = 'pending' and (t.status = 'delivered' or d.leased_by = ${workerId}::int)`
}

/** The receiver wants no more: the webhook is switched off (a Zapier subscription ends), and what was waiting for it is cancelled. */
async function endWebhook (tx: Transaction, organizationId: string, webhookId: string, reason: string): Promise<void> {
  await tx`update cscx_zapier.outbound_webhooks set active = false, disabled_reason = ${reason}, updated_at = now(),
      deleted_at = case when kind = 'zapier' then now() end
    where id = ${webhookId} and organization_id = ${organizationId} and deleted_at is null`
  await cancelDeliveries(tx, organizationId, webhookId)
}

/** Cancels what waits for a webhook that has ended; attempts under way are still recorded. */
export async function cancelDeliveries (sql: Transaction, organizationId: string, webhookId: string): Promise<void> {
  await sql`update cscx_zapier.webhook_deliveries set status = 'cancelled', leased_by = null
    where webhook_id = ${webhookId} and organization_id = ${organizationId} and status = 'pending'`
}
