/**
 * A token bucket: `capacity` at once, `perSecond` in the long run. It may be drawn below zero, by what was already taken
 * when its limit became known; the debt is paid before anything else is given.
 */
export class TokenBucket {
  #capacity: number
  #perSecond: number
  #tokens: number
  #at: number

  /** @param nowMs Any clock that only goes forward, in milliseconds. */
  constructor (perSecond: number, capacity: number, nowMs: number) {
    this.#perSecond = perSecond
    this.#capacity = Math.max(1, capacity)
    this.#tokens = this.#capacity
    this.#at = nowMs
  }

  /** Changes the limit; what is there is kept, up to the new capacity. */
  limit (perSecond: number, capacity: number, nowMs: number): void {
    this.#refill(nowMs)
    this.#perSecond = perSecond
    this.#capacity = Math.max(1, capacity)
    this.#tokens = Math.min(this.#tokens, this.#capacity)
  }

  /** Whole tokens that may be taken now. */
  available (nowMs: number): number {
    this.#refill(nowMs)
    return Math.max(0, Math.floor(this.#tokens))
  }

  take (count: number, nowMs: number): void {
    this.#refill(nowMs)
    this.#tokens -= count
  }

  /** How long until a token is there, in milliseconds; 0 when one is. */
  waitMs (nowMs: number): number {
    this.#refill(nowMs)
    return this.#tokens >= 1 ? 0 : Math.ceil((1 - this.#tokens) / this.#perSecond * 1_000)
  }

  /** Whether it has rested long enough to be forgotten: a new one would be the same. */
  isFull (nowMs: number): boolean {
    this.#refill(nowMs)
    return this.#tokens >= this.#capacity
  }

  #refill (nowMs: number): void {
    this.#tokens = Math.min(this.#capacity, this.#tokens + Math.max(0, nowMs - this.#at) / 1_000 * this.#perSecond)
    this.#at = Math.max(this.#at, nowMs)
  }
}
