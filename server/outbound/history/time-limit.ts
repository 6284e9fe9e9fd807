import type { Transaction } from '../../db/client.js'
import { errorCode } from '../../db/failures.js'
import { ApiProblem } from '../../problem.js'

/** How long a statement may take, in milliseconds. */
const LIMIT_MS = 15_000
/** Postgres' query_canceled. */
const CANCELLED = '57014'

/**
 * Runs statements whose cost depends on how much there is. None of them, nor of the rest of the transaction, may take
 * longer than 15 s.
 * @throws ApiProblem validation_failed when there is too much.
 */
export async function withinTime<T> (tx: Transaction, run: () => Promise<T>): Promise<T> {
  try {
    await tx`select set_config('statement_timeout', ${String(LIMIT_MS)}, true)`
    return await run()
  } catch (error) {
    if (errorCode(error) !== CANCELLED) throw error
    throw new ApiProblem('validation_failed', 'There is too much to go through in 15 seconds: narrow it down by webhook or time')
  }
}
