import { parseRetryAfterMs, retryDelayMs, throttleDelayMs } from './retry-schedule.js'

/** What one HTTP try came to. */
export type AttemptResult =
  | { kind: 'response', status: number, body: string, headers: Readonly<Record<string, string>>, durationMs: number }
  | { kind: 'failure', error: FailureCode, detail: string, durationMs: number }
  /** No connection was free in time: nothing was sent. */
  | { kind: 'unsent', durationMs: number }

/** Why no answer came. */
export type FailureCode =
  | 'blocked_address' | 'connection_failed' | 'connection_reset' | 'dns_failed' | 'timeout' | 'tls_failed' | 'invalid_url' | 'secret_unreadable'

/** What becomes of a delivery after an attempt. */
export type Decision =
  | { status: 'delivered' }
  | { status: 'retry', delayMs: number, counts: boolean }
  | { status: 'dead_letter' }
  | { status: 'end_webhook', reason: 'gone' | 'disabled_by_receiver' }

/** A receiver that answers 429 for this long gets no more: the delivery becomes a dead letter. */
export const THROTTLED_AT_MOST_MS = 5 * 86_400_000

/** How soon a delivery is tried again for which no connection was free. */
export const UNSENT_DELAY_MS = 1_000

export interface DeliveryState {
  /** Attempts before this one, and those of them that counted. */
  attempts: number
  retryCount: number
  /** Age of the delivery. */
  ageMs: number
}

/**
 * What becomes of a delivery: the rules of Standard Webhooks ("Deliverability and reliability") and of REST hooks.
 * 2xx delivered · 410 or `webhook-delivery: disable` ends the webhook · `webhook-delivery: abort-message` gives this
 * one up · what could not be sent at all, for want of a free connection, is tried soon · 429 waits and counts as no attempt · everything else is retried on the schedule, then a dead letter.
 * @param random Uniform in [0, 1), for jitter.
 */
export function decide (result: AttemptResult, state: DeliveryState, schedule: readonly number[], nowMs: number, random: number): Decision {
  const counted = state.retryCount + 1
  if (result.kind === 'unsent') return { status: 'retry', delayMs: UNSENT_DELAY_MS, counts: false }
  if (result.kind === 'failure') return retryOrDeadLetter(retryDelayMs(schedule, counted, undefined, random))
  const { status, headers } = result
  if (headers['webhook-delivery'] === 'disable') return { status: 'end_webhook', reason: 'disabled_by_receiver' }
  if (status >= 200 && status < 300) return { status: 'delivered' }
  if (status === 410) return { status: 'end_webhook', reason: 'gone' }
  if (headers['webhook-delivery'] === 'abort-message') return { status: 'dead_letter' }
  const retryAfterMs = parseRetryAfterMs(headers['retry-after'], nowMs)
  if (status === 429) {
    return state.ageMs > THROTTLED_AT_MOST_MS
      ? { status: 'dead_letter' }
      : { status: 'retry', delayMs: throttleDelayMs(schedule, state.attempts, retryAfterMs, random), counts: false }
  }
  return retryOrDeadLetter(retryDelayMs(schedule, counted, retryAfterMs, random))
}

function retryOrDeadLetter (delayMs: number | undefined): Decision {
  return delayMs === undefined ? { status: 'dead_letter' } : { status: 'retry', delayMs, counts: true }
}
