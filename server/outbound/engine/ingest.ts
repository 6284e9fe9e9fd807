import type { Sql } from '../../db/client.js'
import { isRefusedData } from '../../db/failures.js'
import { ApiProblem, invalidField } from '../../problem.js'
import { recordEvents, type FannedOut, type NewEvent } from './record-events.js'
import type { Taker } from './taken.js'

/** Events recorded by one statement at most, and the size of their data in characters. */
const BATCH = 500
const BATCH_CHARACTERS = 4 * 1024 * 1024
/** Statements under way at once: while one waits for its commit, the next one gathers. */
const PARALLEL = 2
/** Events that wait for their turn at most, and their data; beyond that the caller is asked to come back later. */
const WAITING_MAX = 10_000
const WAITING_CHARACTERS = 32 * 1024 * 1024

/** Deliveries that a statement may lease at least, if there is room: an event may be for many webhooks. */
const OFFER_MIN = 64

interface Waiting {
  event: NewEvent
  resolve: () => void
  reject: (error: unknown) => void
}

/**
 * Records events one by one for many callers at a time, but not one by one in the database: whatever waits shares a
 * statement and so a commit. A caller is answered only when the commit is through.
 */
export class Ingest {
  readonly #sql: Sql
  #taker: Taker | undefined
  #waiting: Waiting[] = []
  #waitingCharacters = 0
  #underWay = 0
  #isScheduled = false

  constructor (sql: Sql) {
    this.#sql = sql
  }

  /** From here on, deliveries are leased to this taker as it offers; undefined: to nobody. */
  serve (taker: Taker | undefined): void {
    this.#taker = taker
  }

  /**
   * Records an event and fans it out. Resolves when that is durable.
   * @throws ApiProblem unavailable when too much is waiting, validation_failed when the database refuses the event; what the
   *   database says otherwise.
   */
  async post (event: NewEvent): Promise<void> {
    if (this.#waiting.length >= WAITING_MAX || this.#waitingCharacters >= WAITING_CHARACTERS) {
      throw new ApiProblem('unavailable', 'Events come faster than they can be stored', { headers: { 'retry-after': '1' } })
    }
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ event, resolve, reject })
      this.#waitingCharacters += event.dataJson.length
      this.#schedule()
    })
  }

  /** Not at once: requests that were read together are recorded together. */
  #schedule (): void {
    if (this.#isScheduled || this.#underWay >= PARALLEL) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      if (this.#waiting.length > 0) void this.#flush(this.#nextBatch())
    })
  }

  #nextBatch (): Waiting[] {
    let characters = 0
    let count = 0
    while (count < Math.min(BATCH, this.#waiting.length) && (count === 0 || characters < BATCH_CHARACTERS)) {
      characters += this.#waiting[count++]?.event.dataJson.length ?? 0
    }
    this.#waitingCharacters -= characters
    return this.#waiting.splice(0, count)
  }

  async #flush (batch: readonly Waiting[]): Promise<void> {
    this.#underWay++
    this.#schedule()
    await this.#record(batch)
    this.#underWay--
    this.#schedule()
  }

  /** An event that the database refuses must fail alone: each half is tried by itself. */
  async #record (batch: readonly Waiting[]): Promise<void> {
    try {
      await this.#write(batch.map(({ event }) => event))
      for (const { resolve } of batch) resolve()
    } catch (error) {
      if (batch.length === 1 || !isRefusedData(error)) {
        const reason = isRefusedData(error) ? invalidField('/data', 'The database does not take this data') : error
        for (const { reject } of batch) reject(reason)
        return
      }
      const middle = batch.length >> 1
      await this.#record(batch.slice(0, middle))
      await this.#record(batch.slice(middle))
    }
  }

  async #write (events: readonly NewEvent[]): Promise<void> {
    const taker = this.#taker
    if (taker === undefined) {
      await recordEvents(this.#sql, events)
      return
    }
    const offer = taker.offer(Math.max(OFFER_MIN, events.length * 2))
    let fannedOut: FannedOut
    try {
      fannedOut = await recordEvents(this.#sql, events, offer)
    } catch (error) {
      taker.giveUp(offer)
      throw error
    }
    taker.accept(offer, fannedOut.taken, fannedOut.queued)
  }
}
