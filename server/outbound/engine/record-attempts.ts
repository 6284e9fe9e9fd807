import type { DeliveryStatus } from '../../../shared/webhook.js'
import { arrayText } from '../../db/array-text.js'
import type { Database, Queryable, Transaction } from '../../db/client.js'
import { keptHeaders, type OutgoingRequest } from '../sending/compose.js'
import { NO_TRACE, type AttemptResult, type Decision } from '../sending/outcome.js'
import { disableWebhook } from '../webhooks/end-webhook.js'
import type { OpenWebhook } from './registry.js'
import type { TakenDelivery } from './taken.js'

/** An attempt that was made, and what it means for its delivery. */
export interface MadeAttempt {
  delivery: TakenDelivery
  webhook: OpenWebhook
  /** Unix time in milliseconds. */
  startedAt: number
  /** Undefined when it could not be composed. */
  request: OutgoingRequest | undefined
  result: AttemptResult
  decision: Decision
}

/** Whether an attempt holds anything that its receiver wrote. */
export function hasAnswer ({ result }: MadeAttempt): boolean {
  return (result.kind === 'response' && (result.body !== '' || Object.keys(result.headers).length > 0)) || (result.kind === 'failure' && result.detail !== '')
}

/** The attempt without anything that its receiver wrote: for one that the database cannot hold. */
export function withoutAnswer (attempt: MadeAttempt): MadeAttempt {
  const { result } = attempt
  if (result.kind === 'response') return { ...attempt, result: { ...result, headers: {}, body: '' } }
  return result.kind === 'failure' ? { ...attempt, result: { ...result, detail: '' } } : attempt
}

interface Outcome {
  status: DeliveryStatus
  delayMs: number | null
  retryCount: number
}

function outcomeOf ({ decision, delivery: { retryCount }, webhook: { kind } }: MadeAttempt): Outcome {
  switch (decision.status) {
    case 'delivered': return { status: 'delivered', delayMs: null, retryCount }
    case 'retry': return { status: 'pending', delayMs: decision.delayMs, retryCount: retryCount + (decision.counts ? 1 : 0) }
    case 'dead_letter': return { status: 'dead_letter', delayMs: null, retryCount: retryCount + 1 }
    // A Zapier subscription ends, any other webhook is switched off: nothing of it is dropped.
    case 'end_webhook': return decision.delivered ? { status: 'delivered', delayMs: null, retryCount } : { status: kind === 'zapier' ? 'cancelled' : 'held', delayMs: Infinity, retryCount }
  }
}

/** A receiver may take an event and say that it wants no other. */
function isDelivered (decision: Decision): boolean {
  return decision.status === 'delivered' || (decision.status === 'end_webhook' && decision.delivered)
}

/** A word for what went wrong; null after a 2xx. */
function errorOf ({ result, decision }: MadeAttempt): string | null {
  if (result.kind === 'unsent') return 'unsent'
  if (result.kind === 'failure') return result.error
  if (isDelivered(decision)) return null
  return decision.status === 'end_webhook' ? decision.reason : `http_${result.status}`
}

/**
 * Records attempts and what became of their deliveries: one statement for the whole batch, and more only where a webhook
 * begins or ceases to fail, is to be left alone, or ends. A delivery that is no longer pending stays as it is, and one
 * whose lease another worker has taken over too, unless this attempt was the one that succeeded.
 */
export async function recordAttempts (database: Database, workerId: number, attempts: readonly MadeAttempt[]): Promise<void> {
  const consequences = consequencesOf(attempts)
  if (consequences.length === 0) {
    await writeAttempts(database.sql, workerId, attempts)
    return
  }
  await database.sql.begin(async (tx) => {
    await writeAttempts(tx, workerId, attempts)
    // All of them at once, in one order: two workers with the same webhooks must not wait for each other for ever. Not
    // FOR UPDATE, which would hold up fan-outs: their foreign key needs the row to stay, not to stay the same.
    await tx`select from cscx_zapier.outbound_webhooks where id = any(${consequences.map(({ webhookId }) => webhookId)}::uuid[]) order by id for no key update`
    for (const { apply } of consequences) await apply(tx)
  })
}

interface Consequence {
  webhookId: string
  apply: (tx: Transaction) => Promise<unknown>
}

/** What attempts mean for their webhooks. */
function consequencesOf (attempts: readonly MadeAttempt[]): Consequence[] {
  const failing = new Map<string, boolean>()
  const throttled = new Map<string, number>()
  const ended = new Map<string, Consequence>()
  for (const { delivery: { webhookId, organizationId, isFailing }, result, decision } of attempts) {
    if (isDelivered(decision)) failing.set(webhookId, false)
    else if (result.kind !== 'unsent') failing.set(webhookId, failing.get(webhookId) ?? true)
    // What the database knows already needs no statement.
    if (failing.get(webhookId) === isFailing) failing.delete(webhookId)
    if (decision.throttledForMs !== null) throttled.set(webhookId, Math.max(decision.throttledForMs, throttled.get(webhookId) ?? 0))
    if (decision.status === 'end_webhook') ended.set(webhookId, { webhookId, apply: async (tx) => await disableWebhook(tx, organizationId, webhookId, decision.reason) })
  }
  return [
    ...[...failing].map(([webhookId, isFailing]) => ({ webhookId, apply: async (tx: Transaction) => await noteFailing(tx, webhookId, isFailing) })),
    ...[...throttled].map(([webhookId, delayMs]) => ({ webhookId, apply: async (tx: Transaction) => await noteThrottled(tx, webhookId, delayMs) })),
    ...ended.values()
  ]
}

async function noteFailing (tx: Transaction, webhookId: string, isFailing: boolean): Promise<void> {
  await tx`update cscx_zapier.outbound_webhooks set failing_since = case when ${isFailing}::boolean then coalesce(failing_since, now()) end
    where id = ${webhookId} and (failing_since is not null) <> ${isFailing}::boolean`
}

async function noteThrottled (tx: Transaction, webhookId: string, delayMs: number): Promise<void> {
  await tx`update cscx_zapier.outbound_webhooks set throttled_until = greatest(throttled_until, now() + ${delayMs}::float8 * interval '1 millisecond') where id = ${webhookId}`
}

/** Writes attempts and outcomes, without the consequences for their webhooks. */
export async function writeAttempts (sql: Queryable, workerId: number, attempts: readonly MadeAttempt[]): Promise<void> {
  const outcomes = attempts.map(outcomeOf)
  const responses = attempts.map(({ result }) => result.kind === 'response' ? result : null)
  const traces = attempts.map(({ result }) => result.kind === 'unsent' ? NO_TRACE : result.trace)
  await sql`
    with t as (
      select * from unnest(
        ${arrayText(attempts.map(({ delivery }) => delivery.id))}::uuid[],
        ${arrayText(attempts.map(({ delivery }) => delivery.organizationId))}::uuid[],
        ${arrayText(attempts.map(({ delivery }) => delivery.attempts + 1))}::int[],
        ${arrayText(attempts.map(({ startedAt }) => startedAt))}::float8[],
        ${arrayText(attempts.map(({ result }) => result.durationMs))}::int[],
        ${arrayText(traces.map(({ dnsMs }) => dnsMs))}::real[],
        ${arrayText(traces.map(({ connectMs }) => connectMs))}::real[],
        ${arrayText(traces.map(({ tlsMs }) => tlsMs))}::real[],
        ${arrayText(traces.map(({ firstByteMs }) => firstByteMs))}::real[],
        ${arrayText(traces.map(({ address }) => address))}::text[],
        ${arrayText(attempts.map(({ request, webhook: { recipient } }) => request && recipient ? keptHeaders(recipient, request) : null))}::text[],
        ${arrayText(attempts.map(({ request }) => request?.keyId ?? null))}::text[],
        ${arrayText(responses.map((response) => response?.status ?? null))}::int[],
        ${arrayText(responses.map((response) => response && JSON.stringify(response.headers)))}::text[],
        ${arrayText(responses.map((response) => response?.body ?? null))}::text[],
        ${arrayText(attempts.map(errorOf))}::text[],
        ${arrayText(attempts.map(({ result }) => result.kind === 'failure' ? result.detail : null))}::text[],
        ${arrayText(outcomes.map((outcome) => outcome.status))}::text[],
        ${arrayText(outcomes.map((outcome) => outcome.delayMs))}::float8[],
        ${arrayText(outcomes.map((outcome) => outcome.retryCount))}::int[]
      ) as t(delivery_id, organization_id, number, started_at, duration_ms, dns_ms, connect_ms, tls_ms, first_byte_ms, address, request_headers, key_id,
        response_status, response_headers, response_body, error, error_detail, status, delay_ms, retry_count)
    ), recorded as (
      insert into cscx_zapier.delivery_attempts
        (delivery_id, organization_id, number, started_at, duration_ms, dns_ms, connect_ms, tls_ms, first_byte_ms, address, request_headers, key_id,
         response_status, response_headers, response_body, error, error_detail)
      select delivery_id, organization_id, number, to_timestamp(started_at / 1000), duration_ms, dns_ms, connect_ms, tls_ms, first_byte_ms, address, request_headers::json, key_id,
        response_status, response_headers::json, response_body, error, error_detail
      from t where error is distinct from 'unsent'
      on conflict do nothing
    )
    update cscx_zapier.webhook_deliveries d set
      status = t.status, attempts = case when t.error = 'unsent' then d.attempts else t.number end, retry_count = t.retry_count, leased_by = null,
      response_status = t.response_status, response_body = t.response_body, last_error = t.error,
      delivered_at = case when t.status = 'delivered' then now() end,
      next_attempt_at = case when t.delay_ms is null then d.next_attempt_at when t.delay_ms = 'infinity' then 'infinity' else now() + t.delay_ms * interval '1 millisecond' end
    from t
    where d.id = t.delivery_id
      and ((d.status = 'pending' and d.leased_by = ${workerId}::int) or (t.status = 'delivered' and d.status in ('pending', 'held', 'cancelled', 'discarded', 'dead_letter')))`
}
