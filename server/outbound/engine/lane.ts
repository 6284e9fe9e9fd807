import type { TokenBucket } from './token-bucket.js'

/** Where a webhook's concurrency begins: enough for a burst, little enough that a hung receiver holds few places. */
export const CAP_START = 16
/** Where it ends: more than the connections to one origin, so that these never idle while an answer is being recorded. */
export const CAP_MAX = 1_024
/** Halvings for one cause, such as a burst of 429s, are at least this far apart. */
const SHRINK_EVERY_MS = 1_000
/** A lane that has had no answer for so long takes nothing more until one comes. */
const STALLED_AFTER_MS = 2_500

/** How an attempt ended, as far as it says how much a receiver can take. */
export type Feedback = 'success' | 'slow_down' | 'timeout' | 'failure'

/**
 * What one webhook may have under way in this process: a cap that doubles while answers come and the cap is what limits,
 * and halves when the receiver is slow, unreachable or says 429; its rate limits; and whether deliveries queue behind it.
 * Times are in milliseconds of a clock that only goes forward.
 */
export class Lane {
  /** Attempts between lease and answer. */
  underWay = 0
  /** Whether deliveries of it are known to queue in the database. */
  hasQueue = false
  /** Whether its deliveries come one after the other, in order. */
  ordered = false
  #cap = CAP_START
  #buckets: readonly TokenBucket[] = []
  #blockedUntil = 0
  #shrunkAt = -Infinity
  #progressAt: number
  #provenAt = -Infinity

  constructor (nowMs: number) {
    this.#progressAt = nowMs
  }

  get cap (): number {
    return this.#cap
  }

  get isUnlimited (): boolean {
    return this.#buckets.length === 0
  }

  /** @param buckets Every one of them must give a token for each attempt. */
  configure (ordered: boolean, buckets: readonly TokenBucket[]): void {
    this.ordered = ordered
    this.#buckets = buckets
  }

  /** How many attempts may begin now. */
  places (nowMs: number): number {
    if (nowMs < this.#blockedUntil) return 0
    if (this.ordered) return this.underWay > 0 ? 0 : Math.min(1, this.#tokens(nowMs))
    if (this.underWay > 0 && nowMs - this.#progressAt > STALLED_AFTER_MS) return 0
    return Math.max(0, Math.min(this.#cap - this.underWay, this.#tokens(nowMs)))
  }

  /**
   * How many of them may be taken by deliveries that have just been made. While others queue, these have the first half of
   * the cap to themselves: under load they go first, and once there is room for all, nothing needs to queue any more.
   */
  freshPlaces (nowMs: number): number {
    return this.hasQueue ? Math.max(0, this.places(nowMs) - Math.ceil(this.#cap / 2)) : this.places(nowMs)
  }

  /** When {@link places} may grow by the passing of time alone; undefined when an answer must come first. */
  nextChangeAt (nowMs: number): number | undefined {
    const waitMs = Math.max(this.#blockedUntil - nowMs, ...this.#buckets.map((bucket) => bucket.waitMs(nowMs)))
    return waitMs > 0 ? nowMs + waitMs : undefined
  }

  /** Whether its receiver has answered well within the last minute. */
  isProven (nowMs: number): boolean {
    return nowMs - this.#provenAt < 60_000
  }

  begin (count: number, nowMs: number): void {
    if (this.underWay === 0) this.#progressAt = nowMs
    this.underWay += count
    for (const bucket of this.#buckets) bucket.take(count, nowMs)
  }

  end (feedback: Feedback, nowMs: number): void {
    const wasLimiting = this.hasQueue || this.underWay >= this.#cap * 0.75
    this.underWay--
    this.#progressAt = nowMs
    if (feedback === 'success') {
      this.#provenAt = nowMs
      if (wasLimiting) this.#cap = Math.min(CAP_MAX, this.#cap + 1)
    } else if (feedback === 'timeout' || (feedback === 'slow_down' && nowMs - this.#shrunkAt >= SHRINK_EVERY_MS)) {
      // A timeout is evidence by itself: each has held a place for many seconds.
      this.#shrunkAt = nowMs
      this.#cap = Math.max(1, this.#cap >> 1)
    }
  }

  /** Its receiver asked to be left alone. */
  block (untilMs: number): void {
    this.#blockedUntil = Math.max(this.#blockedUntil, untilMs)
  }

  unblock (): void {
    this.#blockedUntil = 0
  }

  /** Whether it holds nothing that a new lane would not have. */
  isIdle (nowMs: number): boolean {
    return this.underWay === 0 && !this.hasQueue && nowMs >= this.#blockedUntil && this.#cap >= CAP_START && this.#buckets.every((bucket) => bucket.isFull(nowMs))
  }

  /** Lets a shrunken cap recover slowly while nothing is asked of it, so that it need not be remembered for ever. */
  rest (): void {
    if (this.underWay === 0 && this.#cap < CAP_START) this.#cap++
  }

  #tokens (nowMs: number): number {
    return Math.min(Infinity, ...this.#buckets.map((bucket) => bucket.available(nowMs)))
  }
}
