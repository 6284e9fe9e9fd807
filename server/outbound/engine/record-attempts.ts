import type { DeliveryStatus } from '../../../shared/webhook.js'
import type { Database, Transaction } from '../../db/client.js'
import { disableWebhook } from '../webhooks/end-webhook.js'
import type { AttemptResult, Decision } from '../sending/outcome.js'

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
  status: DeliveryStatus
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
  if (result.kind === 'unsent') return 'unsent'
  if (result.kind === 'failure') return result.error
  if (decision.status === 'end_webhook') return decision.reason
  return decision.status === 'delivered' ? null : `http_${result.status}`
}

/**
 * Records attempts and what became of their deliveries: one statement for the whole batch. A delivery that is no longer
 * pending stays as it is, and one whose lease another worker has taken over is only ever moved to `delivered`.
 */
export async function recordAttempts (database: Database, workerId: number, attempts: readonly MadeAttempt[]): Promise<void> {
  const ended = new Map(attempts.flatMap(({ webhookId, organizationId, decision }) =>
    decision.status === 'end_webhook' ? [[webhookId, { organizationId, reason: decision.reason }]] : []))
  await database.sql.begin(async (tx) => {
    await writeAttempts(tx, workerId, attempts)
    for (const [webhookId, { organizationId, reason }] of ended) await disableWebhook(tx, organizationId, webhookId, reason)
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
      select cscx_zapier.uuid_v7(), delivery_id, organization_id, number, started_at::timestamptz, duration_ms, response_status, response_body, error, error_detail
      from t where error is distinct from 'unsent'
    )
    update cscx_zapier.webhook_deliveries d set
      status = t.status, attempts = case when t.error = 'unsent' then d.attempts else t.number end, retry_count = t.retry_count, leased_by = null,
      response_status = t.response_status, response_body = t.response_body, last_error = t.error,
      delivered_at = case when t.status = 'delivered' then now() end,
      next_attempt_at = case when t.delay_ms is null then d.next_attempt_at else now() + t.delay_ms * interval '1 millisecond' end
    from t
    where d.id = t.delivery_id and d.status = 'pending' and (t.status = 'delivered' or d.leased_by = ${workerId}::int)`
}
