import { isRefusedData } from '../../db/failures.js'
import { hasAnswer, withoutAnswer, type MadeAttempt } from './record-attempts.js'

/** Attempts recorded by one statement. */
const BATCH = 500
/** How long the first attempt of a batch waits for others. */
const GATHER_MS = 5
const PAUSE_AFTER_ERROR_MS = 500

interface Waiting {
  attempt: MadeAttempt
  recorded: () => void
}

/** Gathers attempts and records them in batches. Its queue is bounded by what the worker has under way. */
export class Recorder {
  readonly #write: (attempts: readonly MadeAttempt[]) => Promise<void>
  readonly #onError: (error: unknown) => void
  #queue: Waiting[] = []
  #isFlushing = false
  #timer: NodeJS.Timeout | undefined

  constructor (write: (attempts: readonly MadeAttempt[]) => Promise<void>, onError: (error: unknown) => void) {
    this.#write = write
    this.#onError = onError
  }

  /** Calls `recorded` when the attempt is. While the database is away it waits; the attempt itself is never repeated for that. */
  record (attempt: MadeAttempt, recorded: () => void): void {
    this.#queue.push({ attempt, recorded })
    if (this.#queue.length >= BATCH) void this.#flush()
    else if (!this.#isFlushing) this.#timer ??= setTimeout(() => { void this.#flush() }, GATHER_MS)
  }

  async #flush (): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#isFlushing) return
    this.#isFlushing = true
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, BATCH)
      await this.#writeUntilDone(batch.map(({ attempt }) => attempt))
      for (const { recorded } of batch) recorded()
    }
    this.#isFlushing = false
  }

  async #writeUntilDone (attempts: readonly MadeAttempt[]): Promise<void> {
    for (;;) {
      try {
        await this.#write(attempts)
        return
      } catch (error) {
        this.#onError(error)
        if (isRefusedData(error) && attempts.some(hasAnswer)) return await this.#writeApart(attempts)
        await new Promise((resolve) => setTimeout(resolve, PAUSE_AFTER_ERROR_MS))
      }
    }
  }

  /** What somebody else answered must not keep other attempts from being recorded: each half is tried by itself, and one alone without its answer. */
  async #writeApart (attempts: readonly MadeAttempt[]): Promise<void> {
    const middle = attempts.length >> 1
    if (middle === 0) return await this.#writeUntilDone(attempts.map(withoutAnswer))
    await this.#writeUntilDone(attempts.slice(0, middle))
    await this.#writeUntilDone(attempts.slice(middle))
  }
}
