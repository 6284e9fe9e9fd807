import type { Transaction } from '../db/client.js'
import { isRefusedData } from '../db/failures.js'
import { recordEvents, type FannedOut, type NewEvent, type Offer, type Taker } from '../outbound/index.js'

/**
 * Records the events of one transaction, and leases their deliveries to whoever delivers in this process. They may be sent
 * only when the transaction has committed: until then, what was leased is kept here.
 */
export class Handover {
  readonly #taker: Taker | undefined
  readonly #leased: Array<{ offer: Offer, fannedOut: FannedOut }> = []

  /** @param taker Undefined: deliveries are left to whoever claims them. */
  constructor (taker: Taker | undefined) {
    this.#taker = taker
  }

  /**
   * Records events and fans them out.
   * @throws what the database says. When it refuses the data, the caller may roll back to a savepoint and go on.
   */
  async record (tx: Transaction, events: readonly NewEvent[]): Promise<void> {
    if (this.#taker === undefined) {
      await recordEvents(tx, events)
      return
    }
    const offer = this.#taker.offer(events.length)
    try {
      this.#leased.push({ offer, fannedOut: await recordEvents(tx, events, offer) })
    } catch (error) {
      if (isRefusedData(error)) this.#taker.accept(offer, [], [])
      else this.#taker.giveUp(offer)
      throw error
    }
  }

  /** The transaction has committed. */
  complete (): void {
    for (const { offer, fannedOut } of this.#leased) this.#taker?.accept(offer, fannedOut.taken, fannedOut.queued)
  }

  /** The transaction has failed, or nobody knows whether it has committed. */
  abandon (): void {
    for (const { offer } of this.#leased) this.#taker?.giveUp(offer)
  }
}

/**
 * Runs a transaction, and hands over what it leased.
 * @param transact Runs and commits the transaction. @returns what it returns. @throws what it throws.
 */
export async function handOver<T> (taker: Taker | undefined, transact: (handover: Handover) => Promise<T>): Promise<T> {
  const handover = new Handover(taker)
  let result: T
  try {
    result = await transact(handover)
  } catch (error) {
    handover.abandon()
    throw error
  }
  handover.complete()
  return result
}
