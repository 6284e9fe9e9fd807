import type { Transaction } from '../db/client.js'
import { isRefusedData } from '../db/failures.js'
import { recordEvents, type NewEvent } from '../outbound/index.js'

/** Longest reason that is kept, in characters. */
const REASON_MAX = 2000

/** What could not become events, and why. */
export interface Failure {
  id: string
  reason: string
}

interface Made {
  id: string
  events: NewEvent[]
}

/**
 * Makes and records the events of each item, such as a change or a renewal. One whose events cannot be made, or are
 * refused by the database, fails alone: it must not hold up all others for ever.
 * @param make Throws when the item fits no schema.
 * @returns the items that failed, by id.
 * @throws what the database says about anything but the data; then the transaction must be rolled back.
 */
export async function recordEach<T> (tx: Transaction, items: readonly T[], idOf: (item: T) => string, make: (item: T) => NewEvent[]): Promise<Failure[]> {
  const made: Made[] = []
  const failed: Failure[] = []
  for (const item of items) {
    try {
      const events = make(item)
      if (events.length > 0) made.push({ id: idOf(item), events })
    } catch (error) {
      failed.push(failure(idOf(item), error))
    }
  }
  return [...failed, ...await recordMade(tx, made)]
}

/** Tries all at once, and after a refusal each half by itself: one refused item among 500 costs some 20 tries. */
async function recordMade (tx: Transaction, made: readonly Made[]): Promise<Failure[]> {
  const [first] = made
  if (first === undefined) return []
  try {
    await tx.savepoint(async (inner) => await recordEvents(inner, made.flatMap(({ events }) => events)))
    return []
  } catch (error) {
    if (!isRefusedData(error)) throw error
    if (made.length === 1) return [failure(first.id, error)]
    const middle = made.length >> 1
    return [...await recordMade(tx, made.slice(0, middle)), ...await recordMade(tx, made.slice(middle))]
  }
}

function failure (id: string, error: unknown): Failure {
  return { id, reason: (error as Error).message.slice(0, REASON_MAX) }
}
