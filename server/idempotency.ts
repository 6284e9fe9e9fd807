import { createHash } from 'node:crypto'
import type { Database, Sql, Transaction } from './db/client.js'
import { ApiProblem, invalidField } from './problem.js'

/** How long an Idempotency-Key is remembered. */
const REMEMBERED = '24 hours'
const EXPIRED_BATCH = 1_000
/** How long a request waits for another one with the same key. */
const WAIT_MS = 10_000

export interface IdempotentRequest {
  organizationId: string
  /** Method and route: the same key on another route is another request. */
  operation: string
  /** The Idempotency-Key header; without one the request simply runs. */
  key: string | undefined
  /** What was asked for: the same key with other input is a conflict. */
  input: unknown
}

export interface Answer<T> {
  status: number
  body: T
}

/**
 * Runs a request in a transaction, at most once for each Idempotency-Key (draft-ietf-httpapi-idempotency-key-header).
 * The key is taken in that same transaction before anything else: of two requests at the same moment the second waits
 * until the first has committed, and is then given its answer. Only answers that succeeded are remembered.
 * @throws ApiProblem idempotency_conflict when the key came with other input before; Postgres' 55P03 when the other takes too long.
 */
export async function runIdempotently<T> (database: Database, request: IdempotentRequest, run: (tx: Transaction) => Promise<Answer<T>>): Promise<Answer<T> & { replayed: boolean }> {
  const { key } = request
  if (key === undefined) return { ...await database.sql.begin(run) as Answer<T>, replayed: false }
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) throw invalidField('#headers/idempotency-key', 'An idempotency key has 1 to 255 visible ASCII characters')
  const fingerprint = createHash('sha256').update(canonicalJson(request.input)).digest()
  return await database.sql.begin(async (tx) => {
    await tx`select set_config('lock_timeout', ${String(WAIT_MS)}, true)`
    const earlier = await takeKey<T>(tx, request, key, fingerprint)
    if (earlier) return { ...earlier, replayed: true }
    const answer = await run(tx)
    await tx`update cscx_zapier.idempotent_requests set response_status = ${answer.status}, response_body = ${JSON.stringify(answer.body)}::text::json
      where organization_id = ${request.organizationId} and operation = ${request.operation} and key = ${key}`
    return { ...answer, replayed: false }
  }) as Answer<T> & { replayed: boolean }
}

/** JSON whose members are in one order, whatever order they came in. */
function canonicalJson (value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) => {
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member
    return Object.fromEntries(Object.entries(member).sort(([a], [b]) => a < b ? -1 : 1))
  })
}

/** Takes the key for this transaction, or returns the answer that it already has. */
async function takeKey<T> (tx: Transaction, { organizationId, operation }: IdempotentRequest, key: string, fingerprint: Buffer): Promise<Answer<T> | undefined> {
  // An expired key is taken over; a fresh one is locked until whoever holds it has committed.
  const taken = await tx`
    insert into cscx_zapier.idempotent_requests as r (organization_id, operation, key, fingerprint, response_status, response_body)
    values (${organizationId}, ${operation}, ${key}, ${fingerprint}, 0, 'null')
    on conflict (organization_id, operation, key) do update set fingerprint = excluded.fingerprint, created_at = now()
      where r.created_at < now() - ${REMEMBERED}::text::interval
    returning 1`
  if (taken.length > 0) return undefined
  const [row] = await tx<Array<{ fingerprint: Buffer, response_status: number, response_body: T }>>`
    select fingerprint, response_status, response_body from cscx_zapier.idempotent_requests
    where organization_id = ${organizationId} and operation = ${operation} and key = ${key}`
  if (!row?.fingerprint.equals(fingerprint)) throw new ApiProblem('idempotency_conflict')
  return { status: row.response_status, body: row.response_body }
}

/** Forgets keys that have expired, a bounded number at a time. @returns how many. */
export async function forgetExpiredKeys (sql: Sql): Promise<number> {
  const rows = await sql`
    delete from cscx_zapier.idempotent_requests where (organization_id, operation, key) in (
      select organization_id, operation, key from cscx_zapier.idempotent_requests
      where created_at < now() - ${REMEMBERED}::text::interval limit ${EXPIRED_BATCH} for update skip locked)
    returning 1`
  return rows.length
}
