import { decide, THROTTLED_AT_MOST_MS, type AttemptResult } from '../../server/outbound/sending/outcome.js'
import { parseRetryAfterMs, parseRetrySchedule, RETRY_AFTER_CAP_MS, retryDelayMs } from '../../server/outbound/sending/retry-schedule.js'

const schedule = [5_000, 300_000]
const now = Date.parse('2026-01-29T10:00:00Z')
const response = (status: number, headers: Record<string, string> = {}): AttemptResult => ({ kind: 'response', status, body: '', headers, durationMs: 1 })
const failure: AttemptResult = { kind: 'failure', error: 'timeout', detail: '', durationMs: 1 }
const fresh = { attempts: 0, retryCount: 0, ageMs: 0 }

describe('what becomes of a delivery', () => {
  test.each([
    [200], [201], [204], [299]
  ])('%i is delivered', (status) => {
    expect(decide(response(status), fresh, schedule, now, 0)).toEqual({ status: 'delivered' })
  })

  test.each([
    [301], [302], [400], [401], [404], [408], [425], [500], [502], [503], [504]
  ])('%i is retried on the schedule', (status) => {
    expect(decide(response(status), fresh, schedule, now, 0)).toEqual({ status: 'retry', delayMs: 5_000, counts: true })
  })

  test('so is a try without an answer', () => {
    expect(decide(failure, { attempts: 1, retryCount: 1, ageMs: 0 }, schedule, now, 0)).toEqual({ status: 'retry', delayMs: 300_000, counts: true })
  })

  test('410 and webhook-delivery: disable end the webhook', () => {
    expect(decide(response(410), fresh, schedule, now, 0)).toEqual({ status: 'end_webhook', reason: 'gone' })
    expect(decide(response(200, { 'webhook-delivery': 'disable' }), fresh, schedule, now, 0)).toEqual({ status: 'end_webhook', reason: 'disabled_by_receiver' })
  })

  test('webhook-delivery: abort-message and a schedule that has run out make a dead letter', () => {
    expect(decide(response(400, { 'webhook-delivery': 'abort-message' }), fresh, schedule, now, 0)).toEqual({ status: 'dead_letter' })
    expect(decide(failure, { attempts: 2, retryCount: 2, ageMs: 0 }, schedule, now, 0)).toEqual({ status: 'dead_letter' })
    expect(decide(response(500), { attempts: 0, retryCount: 0, ageMs: 0 }, [], now, 0)).toEqual({ status: 'dead_letter' })
  })

  test('429 counts as no attempt, waits as asked, and ends after five days', () => {
    expect(decide(response(429, { 'retry-after': '0' }), fresh, schedule, now, 0)).toEqual({ status: 'retry', delayMs: 1_000, counts: false })
    expect(decide(response(429), { attempts: 1, retryCount: 0, ageMs: 0 }, schedule, now, 0)).toMatchObject({ delayMs: 300_000 })
    expect(decide(response(429, { 'retry-after': '7' }), fresh, schedule, now, 0)).toEqual({ status: 'retry', delayMs: 7_000, counts: false })
    expect(decide(response(429), { attempts: 9, retryCount: 9, ageMs: 0 }, schedule, now, 0)).toEqual({ status: 'retry', delayMs: 300_000, counts: false })
    expect(decide(response(429), { attempts: 0, retryCount: 0, ageMs: THROTTLED_AT_MOST_MS + 1 }, schedule, now, 0)).toEqual({ status: 'dead_letter' })
  })

  test('Retry-After stretches a wait but never shortens it', () => {
    expect(decide(response(503, { 'retry-after': '60' }), fresh, schedule, now, 0)).toMatchObject({ delayMs: 60_000 })
    expect(decide(response(503, { 'retry-after': '1' }), fresh, schedule, now, 0)).toMatchObject({ delayMs: 5_000 })
  })
})

describe('the retry schedule', () => {
  test('reads waits with units', () => {
    expect(parseRetrySchedule('500ms, 1s,5m,2h,1d')).toEqual([500, 1_000, 300_000, 7_200_000, 86_400_000])
    expect(parseRetrySchedule('')).toEqual([])
  })

  test.each(['5', 's', '5 s', '-5s', '8d', '1e9s'])('refuses "%s"', (text) => {
    expect(() => parseRetrySchedule(text)).toThrow(RangeError)
  })

  test('jitter never fires early', () => {
    for (const random of [0, 0.5, 0.999]) {
      const delay = retryDelayMs(schedule, 1, undefined, random) ?? 0
      expect(delay).toBeGreaterThanOrEqual(5_000)
      expect(delay).toBeLessThanOrEqual(5_500)
    }
  })

  test('reads Retry-After as seconds or date, and caps what is absurd', () => {
    expect(parseRetryAfterMs('120', now)).toBe(120_000)
    expect(parseRetryAfterMs('Thu, 29 Jan 2026 10:00:30 GMT', now)).toBe(30_000)
    expect(parseRetryAfterMs('Thu, 29 Jan 2026 09:00:00 GMT', now)).toBe(0)
    expect(parseRetryAfterMs('soon', now)).toBeUndefined()
    expect(retryDelayMs(schedule, 1, 999_999_999_999, 0)).toBe(RETRY_AFTER_CAP_MS)
  })
})
