import { decide, NO_TRACE, THROTTLED_AT_MOST_MS, type AttemptResult, type Decision, type DeliveryState, type FailureCode } from '../../server/outbound/sending/outcome.js'
import { parseRetryAfterMs, parseRetrySchedule, RETRY_AFTER_CAP_MS, retryDelayMs, throttleDelayMs } from '../../server/outbound/sending/retry-schedule.js'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const DAY = 86_400_000
const SCHEDULE = [5 * SECOND, 5 * MINUTE]
const NOW = Date.parse('2026-01-29T10:00:00Z')
const FRESH: DeliveryState = { attempts: 0, retryCount: 0, ageMs: 0 }
/** Its next failure that counts is its last. */
const EXHAUSTED: DeliveryState = { attempts: 2, retryCount: 2, ageMs: 6 * MINUTE }

const answered = (status: number, headers: Record<string, string> = {}): AttemptResult => ({ kind: 'response', status, body: '', headers, trace: NO_TRACE, durationMs: 1 })
const failed = (error: FailureCode): AttemptResult => ({ kind: 'failure', error, detail: '', trace: NO_TRACE, durationMs: 1 })
const UNSENT: AttemptResult = { kind: 'unsent', durationMs: 8_000 }

const steady = { slowDown: false, throttledForMs: null }
const slow = { slowDown: true, throttledForMs: null }
const throttled = (throttledForMs: number) => ({ slowDown: true, throttledForMs })
const delivered: Decision = { status: 'delivered', ...steady }
const retried = (delayMs: number, pacing = steady as { slowDown: boolean, throttledForMs: number | null }): Decision => ({ status: 'retry', delayMs, counts: true, ...pacing })
const waits = (delayMs: number, pacing: { slowDown: boolean, throttledForMs: number | null }): Decision => ({ status: 'retry', delayMs, counts: false, ...pacing })
const dead = (pacing = steady as { slowDown: boolean, throttledForMs: number | null }): Decision => ({ status: 'dead_letter', ...pacing })
const ended = (reason: 'gone' | 'disabled_by_receiver', isDelivered = false): Decision => ({ status: 'end_webhook', reason, delivered: isDelivered, ...steady })

/** Every row with jitter 0, on a fresh delivery unless it says otherwise. */
const ROWS: Array<[what: string, result: AttemptResult, decision: Decision, state?: DeliveryState]> = [
  ['200', answered(200), delivered],
  ['201', answered(201), delivered],
  ['204', answered(204), delivered],
  ['299', answered(299), delivered],
  ['a 2xx with Retry-After', answered(200, { 'retry-after': '60' }), delivered],
  ['a 2xx on the last attempt', answered(200), delivered, EXHAUSTED],

  ['301', answered(301, { location: 'https://example.com/' }), retried(5 * SECOND)],
  ['302', answered(302, { location: 'https://example.com/' }), retried(5 * SECOND)],
  ['304', answered(304), retried(5 * SECOND)],
  ['307', answered(307, { location: 'https://example.com/' }), retried(5 * SECOND)],

  ['400', answered(400), retried(5 * SECOND)],
  ['401', answered(401), retried(5 * SECOND)],
  ['403', answered(403), retried(5 * SECOND)],
  ['404', answered(404), retried(5 * SECOND)],
  ['408', answered(408), retried(5 * SECOND)],
  ['413', answered(413), retried(5 * SECOND)],
  ['425', answered(425), retried(5 * SECOND)],
  ['a 4xx on the last attempt', answered(400), dead(), EXHAUSTED],
  ['a 4xx with Retry-After: this delivery waits, the webhook does not', answered(404, { 'retry-after': '60' }), retried(MINUTE)],

  ['410', answered(410), ended('gone')],
  ['410 on the last attempt', answered(410), ended('gone'), EXHAUSTED],

  ['429', answered(429), waits(5 * SECOND, slow)],
  ['429 for the second time', answered(429), waits(5 * MINUTE, slow), { attempts: 1, retryCount: 0, ageMs: 5 * SECOND }],
  ['429 for the tenth time', answered(429), waits(5 * MINUTE, slow), { attempts: 9, retryCount: 0, ageMs: 40 * MINUTE }],
  ['429 when no counted attempt is left', answered(429), waits(5 * MINUTE, slow), EXHAUSTED],
  ['429, Retry-After in seconds', answered(429, { 'retry-after': '7' }), waits(7 * SECOND, throttled(7 * SECOND))],
  ['429, Retry-After: 0', answered(429, { 'retry-after': '0' }), waits(SECOND, throttled(0))],
  ['429, Retry-After as a date', answered(429, { 'retry-after': 'Thu, 29 Jan 2026 10:02:00 GMT' }), waits(2 * MINUTE, throttled(2 * MINUTE))],
  ['429, Retry-After as a date gone by', answered(429, { 'retry-after': 'Thu, 29 Jan 2026 09:00:00 GMT' }), waits(SECOND, throttled(0))],
  ['429, an absurd Retry-After', answered(429, { 'retry-after': '9'.repeat(400) }), waits(DAY, throttled(DAY))],
  ['429, Retry-After in the year 9999', answered(429, { 'retry-after': 'Fri, 31 Dec 9999 23:59:59 GMT' }), waits(DAY, throttled(DAY))],
  ['429, Retry-After that is garbage', answered(429, { 'retry-after': 'soon 12' }), waits(5 * SECOND, slow)],
  ['429, a negative Retry-After', answered(429, { 'retry-after': '-5' }), waits(5 * SECOND, slow)],
  ['429 for five days', answered(429, { 'retry-after': '60' }), dead(throttled(MINUTE)), { attempts: 40, retryCount: 0, ageMs: THROTTLED_AT_MOST_MS + 1 }],

  ['500', answered(500), retried(5 * SECOND)],
  ['501', answered(501), retried(5 * SECOND)],
  ['599', answered(599), retried(5 * SECOND)],
  ['a 5xx on the last attempt', answered(500), dead(), EXHAUSTED],
  ['502', answered(502), retried(5 * SECOND, slow)],
  ['503', answered(503), retried(5 * SECOND, slow)],
  ['504', answered(504), retried(5 * SECOND, slow)],
  ['502, Retry-After', answered(502, { 'retry-after': '60' }), retried(MINUTE, throttled(MINUTE))],
  ['503, Retry-After', answered(503, { 'retry-after': '60' }), retried(MINUTE, throttled(MINUTE))],
  ['503, a Retry-After shorter than the schedule', answered(503, { 'retry-after': '1' }), retried(5 * SECOND, throttled(SECOND))],
  ['503, Retry-After as a date', answered(503, { 'retry-after': 'Thu, 29 Jan 2026 10:00:30 GMT' }), retried(30 * SECOND, throttled(30 * SECOND))],
  ['503, an absurd Retry-After', answered(503, { 'retry-after': '31536000' }), retried(DAY, throttled(DAY))],
  ['504, Retry-After', answered(504, { 'retry-after': '60' }), retried(MINUTE, throttled(MINUTE))],
  ['503 on the last attempt', answered(503, { 'retry-after': '60' }), dead(throttled(MINUTE)), EXHAUSTED],

  ['headers or body too slow', failed('timeout'), retried(5 * SECOND, slow)],
  ['an oversized body: its status decides', { ...answered(200), body: 'x'.repeat(16_384) } as AttemptResult, delivered],
  ['a connection that was reset', failed('connection_reset'), retried(5 * SECOND, slow)],
  ['a connection that was refused', failed('connection_failed'), retried(5 * SECOND, slow)],
  ['a name that does not resolve', failed('dns_failed'), retried(5 * SECOND)],
  ['a TLS handshake that fails', failed('tls_failed'), retried(5 * SECOND)],
  ['a blocked address', failed('blocked_address'), retried(5 * SECOND)],
  ['an answer that is not HTTP', failed('invalid_response'), retried(5 * SECOND)],
  ['a second failure', failed('timeout'), retried(5 * MINUTE, slow), { attempts: 1, retryCount: 1, ageMs: 5 * SECOND }],
  ['a failure of the last attempt', failed('timeout'), dead(slow), EXHAUSTED],
  ['no connection', UNSENT, waits(SECOND, steady)],
  ['no connection when no attempt is left', UNSENT, waits(SECOND, steady), EXHAUSTED],

  ['webhook-delivery: disable with a 2xx', answered(200, { 'webhook-delivery': 'disable' }), ended('disabled_by_receiver', true)],
  ['webhook-delivery: disable with a 5xx', answered(500, { 'webhook-delivery': 'disable' }), ended('disabled_by_receiver')],
  ['webhook-delivery: abort-message with a 2xx', answered(200, { 'webhook-delivery': 'abort-message' }), delivered],
  ['webhook-delivery: abort-message with a 3xx', answered(302, { 'webhook-delivery': 'abort-message' }), dead()],
  ['webhook-delivery: abort-message with a 4xx', answered(400, { 'webhook-delivery': 'abort-message' }), dead()],
  ['webhook-delivery: abort-message with a 410', answered(410, { 'webhook-delivery': 'abort-message' }), ended('gone')],
  ['webhook-delivery: abort-message with a 429', answered(429, { 'webhook-delivery': 'abort-message', 'retry-after': '7' }), dead(throttled(7 * SECOND))],
  ['webhook-delivery: abort-message with a 5xx', answered(500, { 'webhook-delivery': ' Abort-Message' }), dead()],
  ['webhook-delivery with a word of tomorrow', answered(500, { 'webhook-delivery': 'pause' }), retried(5 * SECOND)]
]

test.each(ROWS)('%s', (_what, result, decision, state = FRESH) => {
  expect(decide(result, state, SCHEDULE, NOW, 0)).toEqual(decision)
})

test('without a schedule there is one attempt', () => {
  expect(decide(answered(500), FRESH, [], NOW, 0)).toEqual(dead())
  expect(decide(answered(429), FRESH, [], NOW, 0)).toEqual(waits(5 * SECOND, slow))
})

describe('jitter', () => {
  const waitsBetween = [5 * SECOND, 7 * SECOND, MINUTE, DAY]

  test.each([0, 0.001, 0.25, 0.5, 0.999_999])('of %d never fires early, and adds a tenth at most', (random) => {
    for (const asked of waitsBetween) {
      const delays = [
        retryDelayMs([asked], 1, undefined, random), retryDelayMs([0], 1, asked, random),
        throttleDelayMs([asked], 0, undefined, random), throttleDelayMs([0], 0, asked, random)
      ]
      for (const delay of delays) {
        expect(delay).toBeGreaterThanOrEqual(asked)
        expect(delay).toBeLessThanOrEqual(asked * 1.1 + 1)
      }
    }
  })

  test('spreads', () => {
    const delays = new Set([0, 0.2, 0.4, 0.6, 0.8].map((random) => retryDelayMs(SCHEDULE, 1, undefined, random)))
    expect(delays.size).toBe(5)
  })
})

describe('the retry schedule', () => {
  test('reads waits with units', () => {
    expect(parseRetrySchedule('500ms, 1s,5m,2h,1d')).toEqual([500, 1_000, 300_000, 7_200_000, 86_400_000])
    expect(parseRetrySchedule('')).toEqual([])
  })

  test.each(['5', 's', '5 s', '-5s', '8d', '1e9s', Array(31).fill('1s').join(',')])('refuses "%s"', (text) => {
    expect(() => parseRetrySchedule(text)).toThrow(RangeError)
  })
})

describe('Retry-After', () => {
  test.each([
    ['120', 120_000],
    [' 120 ', 120_000],
    ['0', 0],
    ['0.5', 500],
    ['1.0001', 1_001],
    ['86400', RETRY_AFTER_CAP_MS],
    ['86401', RETRY_AFTER_CAP_MS],
    ['99999999999999999999999', RETRY_AFTER_CAP_MS],
    ['Thu, 29 Jan 2026 10:00:30 GMT', 30_000],
    ['Thursday, 29-Jan-26 10:00:30 GMT', 30_000],
    ['Thu Jan 29 10:00:30 2026', 30_000],
    ['Sun Feb  1 10:00:00 2026', RETRY_AFTER_CAP_MS],
    ['Thu, 29 Jan 2026 09:59:59 GMT', 0],
    ['Thu, 99 Jan 2026 10:00:30 GMT', undefined],
    ['2026', 2_026_000],
    ['-5', undefined],
    ['+5', undefined],
    ['1e3', undefined],
    ['0x10', undefined],
    ['120, 60', undefined],
    ['5 minutes', undefined],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined]
  ])('%s', (header, expected) => {
    expect(parseRetryAfterMs(header, NOW)).toBe(expected)
  })
})
