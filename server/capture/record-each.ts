import type { Transaction } from '../db/client.js'
import { isRefusedData } from '../db/failures.js'
import type { NewEvent } from '../outbound/index.js'
import type { Handover } from './handover.js'

/** Longest reason that is kept, in characters. */
const REASON_MAX = 2000

/** What could not become events, and why. */
export interface Failed<T> {
  item: T
  reason: string
}

interface Made<T> {
  item: T
  events: NewEvent[]
}

/**
 * Makes and records the events of each item, such as a change or a renewal. One whose events cannot be made, or are
 * refused by the database, fails alone: it must not hold up all others for ever.
 * @param make Throws when the item fits no schema.
 * @param handover Records the events; the caller concludes it.
 * @returns the items that failed.
 * @throws what the database says about anything but the data; then the transaction must be rolled back.
 */
export async function recordEach<T> (tx: Transaction, items: readonly T[], make: (item: T) => NewEvent[], handover: Handover): Promise<Array<Failed<T>>> {
  const made: Array<Made<T>> = []
  const failed: Array<Failed<T>> = []
  for (const item of items) {
    try {
      const events = make(item)
      if (events.length > 0) made.push({ item, events })
    } catch (error) {
      failed.push(failure(item, error))
    }
  }
  return [...failed, ...await recordMade(tx, made, handover)]
}

/** Tries all at once, and after a refusal each half by itself: one refused item among 1,000 costs some 20 tries. */
async function recordMade<T> (tx: Transaction, made: ReadonlyArray<Made<T>>, handover: Handover): Promise<Array<Failed<T>>> {
  const [first] = made
  if (first === undefined) return []
  try {
    await tx.savepoint(async (inner) => await handover.record(inner, made.flatMap(({ events }) => events)))
    return []
  } catch (error) {
    if (!isRefusedData(error)) throw error
    if (made.length === 1) return [failure(first.item, error)]
    const middle = made.length >> 1
    return [...await recordMade(tx, made.slice(0, middle), handover), ...await recordMade(tx, made.slice(middle), handover)]
  }
}

function failure<T> (item: T, error: unknown): Failed<T> {
  return { item, reason: (error as Error).message.slice(0, REASON_MAX) }
}
