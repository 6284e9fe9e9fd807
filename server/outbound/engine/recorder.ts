import type { MadeAttempt } from './record-attempts.js'

/** Attempts recorded by one statement. */
const BATCH = 500
/** How long the first attempt of a batch waits for others. */
const GATHER_MS = 5
const PAUSE_AFTER_ERROR_MS = 500

interface Waiting {
  attempt: MadeAttempt
  recorded: () => void
}

/** Gathers attempts and records them in batches. Its queue is bounded by what the worker has in flight. */
export class Recorder {
  readonly #write: (attempts: readonly MadeAttempt[]) => Promise<void>
  readonly #onError: (error: unknown) => void
  #queue: Waiting[] = []
  #flushing = false
  #timer: NodeJS.Timeout | undefined

  constructor (write: (attempts: readonly MadeAttempt[]) => Promise<void>, onError: (error: unknown) => void) {
    this.#write = write
    this.#onError = onError
  }

  /** Resolves when the attempt is recorded. While the database is away it waits; the attempt itself is never repeated for that. */
  async record (attempt: MadeAttempt): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#queue.push({ attempt, recorded: resolve })
      if (this.#queue.length >= BATCH) void this.#flush()
      else this.#timer ??= setTimeout(() => { void this.#flush() }, GATHER_MS)
    })
  }

  async #flush (): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#flushing) return
    this.#flushing = true
    while (this.#queue.length > 0) {
      const batch = this.#queue.slice(0, BATCH)
      try {
        await this.#write(batch.map(({ attempt }) => attempt))
        this.#queue.splice(0, batch.length)
        for (const { recorded } of batch) recorded()
      } catch (error) {
        this.#onError(error)
        await new Promise((resolve) => setTimeout(resolve, PAUSE_AFTER_ERROR_MS))
      }
    }
    this.#flushing = false
  }
}
