const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Standard Webhooks' schedule (spec "Deliverability and reliability"), after a first attempt at once. */
export const DEFAULT_RETRY_SCHEDULE = '5s,5m,30m,2h,5h,10h,14h,20h,24h'

/** Added to a delay at random, at most this share of it: receivers that failed together are not retried together. */
const JITTER = 0.1

/** A Retry-After is obeyed up to here; one that asks for more is taken as this. */
export const RETRY_AFTER_CAP_MS = UNITS.d

/**
 * Reads a retry schedule such as `5s,5m,2h`: the waits between attempts, so that there is one attempt more than waits.
 * @returns milliseconds.
 * @throws RangeError when an entry is not a number with unit (ms, s, m, h, d), is over 7 days, or there are more than 30.
 */
export function parseRetrySchedule (text: string): number[] {
  const entries = text.split(',').map((entry) => entry.trim()).filter((entry) => entry !== '')
  if (entries.length > 30) throw new RangeError('A retry schedule has at most 30 entries')
  return entries.map((entry) => {
    const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(entry)
    const delayMs = match ? Number(match[1]) * UNITS[match[2] as keyof typeof UNITS] : NaN
    if (!(delayMs <= 7 * UNITS.d)) throw new RangeError(`"${entry}" is not a wait such as 5s, 30m or 2h (7d at most)`)
    return delayMs
  })
}

/**
 * How long to wait before the next attempt; undefined when the schedule has run out.
 * Jitter only ever adds, and a Retry-After is never undercut.
 * @param retries Attempts that counted so far, the one that just failed included.
 * @param random Uniform in [0, 1).
 */
export function retryDelayMs (schedule: readonly number[], retries: number, retryAfterMs: number | undefined, random: number): number | undefined {
  const planned = schedule[retries - 1]
  return planned === undefined ? undefined : spread(Math.max(planned, capped(retryAfterMs ?? 0)), random)
}

/** Even a receiver that says "Retry-After: 0" is given this long, or the schedule's first wait if that is shorter. */
const THROTTLE_MIN_MS = 1_000

/**
 * How long to leave a receiver alone that said 429, which counts as no attempt: what it asks for, otherwise the
 * schedule's waits one after the other, the last one over and over.
 * @param attempts Attempts before the one that was answered so.
 */
export function throttleDelayMs (schedule: readonly number[], attempts: number, retryAfterMs: number | undefined, random: number): number {
  const planned = schedule[Math.min(attempts, schedule.length - 1)] ?? 5 * UNITS.s
  const least = Math.min(THROTTLE_MIN_MS, schedule[0] ?? THROTTLE_MIN_MS)
  return spread(Math.max(least, retryAfterMs === undefined ? planned : capped(retryAfterMs)), random)
}

function capped (retryAfterMs: number): number {
  return Math.min(retryAfterMs, RETRY_AFTER_CAP_MS)
}

function spread (delayMs: number, random: number): number {
  return Math.ceil(delayMs * (1 + JITTER * random))
}

/** Dates of HTTP (RFC 9110 §5.6.7): of today, of RFC 850, and of asctime(), which is in GMT too but does not say so. */
const HTTP_DATES = [
  /^\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT$/,
  /^\w{6,9}, \d{2}-\w{3}-\d{2} \d{2}:\d{2}:\d{2} GMT$/,
  /^\w{3} \w{3} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/
]

/**
 * Reads a Retry-After header (RFC 9110 §10.2.3): seconds, with a fraction from those who do not know better, or an HTTP
 * date. What is over {@link RETRY_AFTER_CAP_MS} is taken as that.
 * @returns milliseconds from `nowMs`, 0 for a date gone by; undefined when there is no header, or one that says neither.
 */
export function parseRetryAfterMs (header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? ''
  if (/^\d+(\.\d+)?$/.test(text)) return capped(Math.ceil(Number(text) * 1_000))
  if (!HTTP_DATES.some((form) => form.test(text))) return undefined
  const date = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`)
  return Number.isNaN(date) ? undefined : capped(Math.max(0, date - nowMs))
}
