import type { z } from 'zod'
import type { Action } from '../../shared/catalogue/actions/index.js'
import type { Origin } from '../../shared/catalogue/define-event.js'
import { executeAction } from '../cscx/actions/index.js'
import type { CscxSchema } from '../cscx/tables.js'
import type { Database, Transaction } from '../db/client.js'
import { runIdempotently } from '../idempotency.js'
import { parseInput } from '../validation.js'
import { databaseProblem, isRepeatable, isStaleSchema } from './database-problem.js'

/** How long a statement waits for a lock that someone else holds, and how long it may take. */
const LOCK_TIMEOUT_MS = 5_000
const STATEMENT_TIMEOUT_MS = 10_000
/** How often a transaction is begun anew after a deadlock or a changed schema. */
const REPETITIONS_MAX = 3

export interface ActionRequest {
  organizationId: string
  /** The API key or inbound webhook that writes; events that follow carry it as `origin_id`. */
  actorId: string
  origin: Origin
  action: Action
  /** As it came: it is validated here. */
  input: unknown
  /** 1 to 255 visible ASCII characters; see server/idempotency.ts. */
  idempotencyKey?: string | undefined
}

export interface ActionAnswer {
  /** 201 where the action creates a record (POST), 200 where it changes one (PUT). */
  status: 200 | 201
  /** The action's output. */
  body: Record<string, unknown>
  /** Whether this is the stored answer of an earlier request with the same key. */
  replayed: boolean
}

/**
 * Validates an action's input and writes its record, all in one transaction, which the capture trigger marks as ours.
 * A repeated Idempotency-Key within 24 hours gets the stored answer and writes nothing; only successes are stored.
 * @throws ApiProblem `validation_failed`, `customer_not_found`, `customer_ambiguous`, `not_found`, `action_unavailable`,
 *   `idempotency_conflict`, or `unavailable` when the database is away or a lock is held for too long.
 */
export async function runAction (database: Database, schema: CscxSchema, request: ActionRequest): Promise<ActionAnswer> {
  const { organizationId, action, idempotencyKey: key } = request
  const input = parseInput<z.ZodType>(action.input, request.input)
  const idempotent = { organizationId, operation: `${action.method} ${action.path}`, key, input }
  const status = action.method === 'POST' ? 201 : 200
  let isFresh = false
  for (let repetition = 0; ; repetition++) {
    try {
      const { body, replayed } = await runIdempotently(database, idempotent, async (tx) => ({ status, body: await execute(tx, schema, request, input) }))
      return { status, body, replayed }
    } catch (error) {
      const isStale: boolean = isStaleSchema(error) && !isFresh
      if (repetition >= REPETITIONS_MAX || !(isStale || isRepeatable(error))) throw databaseProblem(error, action)
      if (isStale) await schema.refresh()
      isFresh ||= isStale
    }
  }
}

async function execute (tx: Transaction, schema: CscxSchema, { organizationId, actorId, origin, action }: ActionRequest, input: unknown): Promise<Record<string, unknown>> {
  await tx`select
    set_config('cscx_zapier.origin', ${JSON.stringify({ origin, origin_id: actorId })}, true),
    set_config('lock_timeout', ${String(LOCK_TIMEOUT_MS)}, true),
    set_config('statement_timeout', ${String(STATEMENT_TIMEOUT_MS)}, true)`
  return await executeAction(tx, schema.current(), { organizationId, actorId, origin }, action, input as never)
}
