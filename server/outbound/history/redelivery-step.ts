import type { RedeliveryKind, RedeliverySelection } from '../../../shared/redelivery.js'
import type { Database, Transaction } from '../../db/client.js'
import { oldestFirst, ofWebhook } from './delivery-filter.js'
import { addGoneBy, findLine } from './gone-by.js'
import { ID_MAX, ID_MIN } from './id-time.js'
import { makeDue } from './make-due.js'

/** Deliveries are made due in steps of about this long. */
const STEP_SECONDS = 0.5
/** After a step that could do nothing, or failed. */
const WAIT_SECONDS = 1
/** While so many deliveries wait for a webhook, nothing is added to them: its receiver does not keep up, or fails. */
const BACKLOG_MAX = 1_000
/** An ordered webhook's catch-up keeps this much queued, so that no newer event comes to the front of the queue. */
const ORDERED_BATCH = 2_000
/** A catch-up looks this long for what a fan-out holds that began before the webhook was switched on. */
const STRAGGLERS_SECONDS = 5

interface Job {
  id: string
  organization_id: string
  webhook_id: string
  kind: RedeliveryKind
  selection: RedeliverySelection
  per_second: number
  position: string | null
  created_at: string
  age_seconds: number
  /** Whether its webhook takes deliveries. */
  sendable: boolean
  ordered: boolean
}

/** What a step came to. */
interface Step {
  released: number
  /** How many it has found that were not counted before. */
  found: number
  /** Null leaves it where it is. */
  position: string | null
  /** Null when there is nothing left to do. */
  nextInSeconds: number | null
}

/**
 * Takes the next step of the redelivery that is due first, if one is. Any number of processes may do so side by side: the
 * row is locked for the step, and all that a step knows is in it, so a process that dies takes nothing with it.
 * @returns whether there was one.
 */
export async function stepRedelivery ({ sql }: Pick<Database, 'sql'>): Promise<boolean> {
  let id: string | undefined
  try {
    return await sql.begin(async (tx) => {
      const job = await lockNext(tx, tx`r.next_step_at <= now()`)
      id = job?.id
      if (job) await takeStep(tx, job)
      return job !== undefined
    })
  } catch (error) {
    // Or it would be the first one due again, and keep the others waiting.
    if (id !== undefined) await sql`update cscx_zapier.redeliveries set next_step_at = now() + ${WAIT_SECONDS}::float8 * interval '1 second' where id = ${id}`
    throw error
  }
}

/** How long until a step is due, in milliseconds; undefined while no redelivery is running. */
export async function nextStepInMs ({ sql }: Pick<Database, 'sql'>): Promise<number | undefined> {
  const [row] = await sql<Array<{ ms: number | null }>>`
    select (extract(epoch from min(next_step_at) - clock_timestamp()) * 1000)::float8 as ms from cscx_zapier.redeliveries where status = 'running'`
  return row?.ms ?? undefined
}

/** Takes the first step of a redelivery in the transaction that starts it. */
export async function takeFirstStep (tx: Transaction, id: string): Promise<void> {
  const job = await lockNext(tx, tx`r.id = ${id}`)
  if (job) await takeStep(tx, job)
}

async function lockNext (tx: Transaction, condition: ReturnType<Transaction>): Promise<Job | undefined> {
  const [job] = await tx<Job[]>`
    select r.id, r.organization_id, r.webhook_id, r.kind, r.selection, r.per_second, r.position, r.created_at, extract(epoch from now() - r.created_at)::float8 as age_seconds,
      w.active and w.deleted_at is null as sendable, w.ordered
    from cscx_zapier.redeliveries r join cscx_zapier.outbound_webhooks w on w.id = r.webhook_id
    where r.status = 'running' and ${condition} order by r.next_step_at limit 1 for update of r skip locked`
  return job
}

async function takeStep (tx: Transaction, job: Job): Promise<void> {
  if (!job.sendable) {
    await tx`update cscx_zapier.redeliveries set status = 'cancelled', finished_at = now() where id = ${job.id}`
    return
  }
  const { released, found, position, nextInSeconds } = await stepOf(tx, job)
  await tx`
    update cscx_zapier.redeliveries set released = released + ${released}::int, total = total + ${found}::int, position = coalesce(${position}::uuid, position),
      status = case when ${nextInSeconds === null} then 'done' else status end, finished_at = case when ${nextInSeconds === null} then now() end,
      next_step_at = now() + ${nextInSeconds ?? 0}::float8 * interval '1 second'
    where id = ${job.id}`
}

async function stepOf (tx: Transaction, job: Job): Promise<Step> {
  if (job.kind === 'catch_up' && job.position !== ID_MAX) {
    const line = await findLine(tx, job.organization_id, job.webhook_id)
    const { added, position } = line ? await addGoneBy(tx, line, job.position ?? ID_MIN, 'held') : { added: 0, position: ID_MAX }
    return { released: 0, found: added, position, nextInSeconds: 0 }
  }
  if (await hasBacklog(tx, job)) return { released: 0, found: 0, position: null, nextInSeconds: WAIT_SECONDS }
  return job.kind === 'catch_up' ? await releaseHeld(tx, job) : await releaseSelected(tx, job)
}

/** Whether the webhook has enough to do. An ordered one's newer deliveries queue behind what its catch-up adds, and do not count. */
async function hasBacklog (tx: Transaction, { id, webhook_id: webhookId, kind, ordered }: Job): Promise<boolean> {
  const isInOrder = kind === 'catch_up' && ordered
  const max = isInOrder ? ORDERED_BATCH : BACKLOG_MAX
  const [row] = await tx<Array<{ count: number }>>`
    select count(*)::int as count from (
      select from cscx_zapier.webhook_deliveries d
      where d.webhook_id = ${webhookId} and d.status = 'pending' and d.next_attempt_at = 'infinity' and (${!isInOrder} or d.redelivery_id = ${id})
      union all
      select from cscx_zapier.webhook_deliveries d
      where d.webhook_id = ${webhookId} and d.status = 'pending' and d.next_attempt_at < 'infinity' and (${!isInOrder} or d.redelivery_id = ${id})
      limit ${max}
    ) waiting`
  return (row?.count ?? 0) >= max
}

/** How many a step takes at the pace, and how long it then pauses. */
function paceOf ({ per_second: perSecond }: Job): { size: number, seconds: number } {
  const size = Math.max(1, Math.floor(perSecond * STEP_SECONDS))
  return { size, seconds: size / perSecond }
}

/** Releases the next ones that the filter selects, of those that were there when the redelivery began. */
async function releaseSelected (tx: Transaction, job: Job): Promise<Step> {
  const { organization_id: organizationId, webhook_id: webhookId, position } = job
  const { statuses = [], events, from, to } = job.selection
  const { size, seconds } = paceOf(job)
  const rows = await tx<Array<{ id: string }>>`
    select d.id from cscx_zapier.webhook_deliveries d
    where ${ofWebhook(tx, organizationId, tx`${webhookId}::uuid`, { statuses, events, from, to })} and (d.webhook_id, d.id) > (${webhookId}::uuid, ${position ?? ID_MIN}::uuid) and d.created_at <= ${job.created_at}::text::timestamptz
    ${oldestFirst(tx)} limit ${size}`
  const released = await makeDue(tx, { organizationId, ids: rows.map(({ id }) => id), statuses, redeliveryId: job.id })
  return { released, found: 0, position: rows.at(-1)?.id ?? null, nextInSeconds: rows.length < size ? null : seconds }
}

/**
 * Releases the oldest that are held. Those of an ordered webhook are not paced but queue all the same: at a pace, newer
 * events would overtake them; one after the other, with the webhook's own rate limit, is pace enough.
 */
async function releaseHeld (tx: Transaction, job: Job): Promise<Step> {
  const { organization_id: organizationId, webhook_id: webhookId, selection: { from } } = job
  const { size, seconds } = job.ordered ? { size: ORDERED_BATCH, seconds: STEP_SECONDS / 2 } : paceOf(job)
  const rows = await tx<Array<{ id: string }>>`
    select d.id from cscx_zapier.webhook_deliveries d
    where ${ofWebhook(tx, organizationId, tx`${webhookId}::uuid`, { statuses: ['held'], from })} ${oldestFirst(tx)} limit ${size}`
  const released = await makeDue(tx, { organizationId, ids: rows.map(({ id }) => id), statuses: ['held'], redeliveryId: job.id })
  const isOver = rows.length < size && job.age_seconds >= STRAGGLERS_SECONDS
  return { released, found: 0, position: null, nextInSeconds: isOver ? null : rows.length < size ? Math.max(seconds, WAIT_SECONDS) : seconds }
}
