import { parseRetryAfterMs, retryDelayMs, throttleDelayMs } from './retry-schedule.js'

/** How one HTTP try went on the wire. Times are milliseconds, to 0.01. */
export interface AttemptTrace {
  /** The IP address connected to; null when there was no connection. */
  address: string | null
  /** Whether a connection of an earlier request was used; its look-up and handshakes then cost nothing, and are null. */
  reused: boolean
  dnsMs: number | null
  connectMs: number | null
  tlsMs: number | null
  /** From the request being written to the first byte of the answer; null when none came. */
  firstByteMs: number | null
}

/** The trace of an attempt that came to no connection. */
export const NO_TRACE: AttemptTrace = Object.freeze({ address: null, reused: false, dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null })

/** What one HTTP try came to. `durationMs` is the whole of it, in whole milliseconds. */
export type AttemptResult =
  | { kind: 'response', status: number, body: string, headers: Readonly<Record<string, string>>, trace: AttemptTrace, durationMs: number }
  | { kind: 'failure', error: FailureCode, detail: string, trace: AttemptTrace, durationMs: number }
  /** Nothing was sent, and the receiver has no part in it: no connection was free in time, or this machine could make none. */
  | { kind: 'unsent', durationMs: number }

/** Why no answer came, or none that can be understood. Attempts that failed before they were sent have {@link NO_TRACE}. */
export type FailureCode =
  | 'blocked_address' | 'dns_failed' | 'connection_failed' | 'connection_reset' | 'tls_failed' | 'timeout' | 'invalid_response'
  | 'invalid_url' | 'invalid_request' | 'secret_unreadable'

/** What an attempt means for all that is to be sent to its webhook. */
export interface Pacing {
  /** Whether the receiver cannot keep up, so that the webhook's concurrency shrinks. */
  slowDown: boolean
  /** How long the receiver asks that the whole webhook be left alone, in milliseconds, a day at most; null when it does not. */
  throttledForMs: number | null
}

/** What becomes of a delivery after an attempt. */
export type Decision = Pacing & (
  | { status: 'delivered' }
  | { status: 'retry', delayMs: number, counts: boolean }
  | { status: 'dead_letter' }
  /** `delivered`: this last delivery was taken all the same. */
  | { status: 'end_webhook', reason: 'gone' | 'disabled_by_receiver', delivered: boolean }
)

/** A receiver that answers 429 for this long gets no more: the delivery becomes a dead letter. */
export const THROTTLED_AT_MOST_MS = 5 * 86_400_000

/** How soon a delivery is tried again that could not be sent. */
export const UNSENT_DELAY_MS = 1_000

export interface DeliveryState {
  /** Attempts before this one, and those of them that counted. */
  attempts: number
  retryCount: number
  /** Age of the delivery. */
  ageMs: number
}

const STEADY: Pacing = Object.freeze({ slowDown: false, throttledForMs: null })

/** Answers of a receiver, or of what stands before it, that has too much to do (Standard Webhooks, RFC 6585 §4, RFC 9110 §15.6). */
const OVERLOADED = new Set([429, 502, 503, 504])
/** What becomes of attempts when it has far too much to do. */
const OVERWHELMED = new Set<FailureCode>(['timeout', 'connection_failed', 'connection_reset'])

/**
 * What becomes of a delivery: the rules of Standard Webhooks ("Deliverability and reliability", "Delivery success and
 * failure"), of its delivery control (the `webhook-delivery` header), and of REST hooks.
 * - 2xx: delivered. 410, and `webhook-delivery: disable` with any status: the webhook ends.
 * - `webhook-delivery: abort-message` with a status that would be retried: a dead letter.
 * - 429: waits as long as asked, or as the schedule says, without counting; for {@link THROTTLED_AT_MOST_MS}.
 * - Not sent for want of a connection: soon again, without counting.
 * - All else (redirects, 408, 425 and other 4xx, 5xx, timeouts, DNS, TLS, a forbidden address …): retried on the
 *   schedule, and not before a Retry-After; then a dead letter.
 * @param random Uniform in [0, 1), for jitter.
 */
export function decide (result: AttemptResult, state: DeliveryState, schedule: readonly number[], nowMs: number, random: number): Decision {
  switch (result.kind) {
    case 'unsent': return { status: 'retry', delayMs: UNSENT_DELAY_MS, counts: false, ...STEADY }
    case 'failure': return retryOrDeadLetter(retryDelayMs(schedule, state.retryCount + 1, undefined, random), { slowDown: OVERWHELMED.has(result.error), throttledForMs: null })
    case 'response': return decideOnResponse(result, state, schedule, nowMs, random)
  }
}

function decideOnResponse ({ status, headers }: Extract<AttemptResult, { kind: 'response' }>, state: DeliveryState, schedule: readonly number[], nowMs: number, random: number): Decision {
  const control = headers['webhook-delivery']?.trim().toLowerCase()
  const delivered = status >= 200 && status < 300
  if (control === 'disable') return { status: 'end_webhook', reason: 'disabled_by_receiver', delivered, ...STEADY }
  if (delivered) return { status: 'delivered', ...STEADY }
  if (status === 410) return { status: 'end_webhook', reason: 'gone', delivered, ...STEADY }
  const retryAfterMs = parseRetryAfterMs(headers['retry-after'], nowMs)
  const slowDown = OVERLOADED.has(status)
  // With other statuses, Retry-After is about this delivery only.
  const pacing: Pacing = { slowDown, throttledForMs: slowDown ? retryAfterMs ?? null : null }
  if (control === 'abort-message') return { status: 'dead_letter', ...pacing }
  if (status !== 429) return retryOrDeadLetter(retryDelayMs(schedule, state.retryCount + 1, retryAfterMs, random), pacing)
  if (state.ageMs > THROTTLED_AT_MOST_MS) return { status: 'dead_letter', ...pacing }
  return { status: 'retry', delayMs: throttleDelayMs(schedule, state.attempts, retryAfterMs, random), counts: false, ...pacing }
}

function retryOrDeadLetter (delayMs: number | undefined, pacing: Pacing): Decision {
  return delayMs === undefined ? { status: 'dead_letter', ...pacing } : { status: 'retry', delayMs, counts: true, ...pacing }
}
