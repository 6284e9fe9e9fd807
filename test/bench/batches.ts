/** Items written by one call. */
const BATCH = 500
/** Writes that are under way at the same time. */
const WRITES = 2

interface Waiting<T> {
  item: T
  resolve: () => void
  reject: (error: unknown) => void
}

/** Gathers items that are added at about the same time, and writes them together. */
export class Batches<T> {
  readonly #write: (items: T[]) => Promise<void>
  readonly #pauseMs: number | undefined
  #waiting: Array<Waiting<T>> = []
  #writing = 0
  #isScheduled = false

  /** @param pauseMs How long the first item waits for others; until the event loop's next turn when left out. */
  constructor (write: (items: T[]) => Promise<void>, pauseMs?: number) {
    this.#write = write
    this.#pauseMs = pauseMs
  }

  /** Resolves when the item is written. */
  async add (item: T): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      this.#schedule()
    })
  }

  #schedule (): void {
    if (this.#isScheduled || this.#writing >= WRITES || this.#waiting.length === 0) return
    this.#isScheduled = true
    const run = () => {
      this.#isScheduled = false
      void this.#flush()
    }
    if (this.#pauseMs === undefined) setImmediate(run)
    else setTimeout(run, this.#pauseMs)
  }

  async #flush (): Promise<void> {
    const batch = this.#waiting.splice(0, BATCH)
    this.#writing += 1
    this.#schedule()
    try {
      await this.#write(batch.map(({ item }) => item))
      for (const { resolve } of batch) resolve()
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
    this.#writing -= 1
    this.#schedule()
  }
}
