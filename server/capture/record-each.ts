import type { Transaction } from '../db/client.js'
import { isRefusedData } from '../db/failures.js'
import type { NewEvent } from '../outbound/index.js'
import type { Handover } from './handover.js'

/** Longest reason that is kept, in characters. */
const REASON_MAX = 2000

/** Events that one statement records, and their data in characters; always one item's at least. */
const STATEMENT = 500
const STATEMENT_CHARACTERS = 4 * 1024 * 1024

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
 * @param make Makes an item's events, of which there are a few at most; gets its place, too. Throws when it fits no schema.
 * @param handover Records the events; the caller concludes it.
 * @returns the items that failed.
 * @throws what the database says about anything but the data; then the transaction must be rolled back.
 */
export async function recordEach<T> (tx: Transaction, items: readonly T[], make: (item: T, n: number) => NewEvent[], handover: Handover): Promise<Array<Failed<T>>> {
  const made: Array<Made<T>> = []
  const failed: Array<Failed<T>> = []
  for (const [n, item] of items.entries()) {
    try {
      const events = make(item, n)
      if (events.length > 0) made.push({ item, events })
    } catch (error) {
      failed.push(failure(item, error))
    }
  }
  for (const some of slices(made)) failed.push(...await recordMade(tx, some, handover))
  return failed
}

function * slices<T> (made: ReadonlyArray<Made<T>>): Generator<Array<Made<T>>> {
  let slice: Array<Made<T>> = []
  let [count, characters] = [0, 0]
  for (const one of made) {
    const size = one.events.reduce((sum, { dataJson }) => sum + dataJson.length, 0)
    if (slice.length > 0 && (count + one.events.length > STATEMENT || characters + size > STATEMENT_CHARACTERS)) {
      yield slice
      slice = []
      count = characters = 0
    }
    slice.push(one)
    count += one.events.length
    characters += size
  }
  if (slice.length > 0) yield slice
}

/** Tries all at once, and after a refusal each half by itself: one refused item among 500 costs some 20 tries. */
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
