import { uuidv7 } from 'uuidv7'
import { PACE_QUICK, type Discarded, type RedeliverySelection, type RedeliverySummary } from '../../../shared/redelivery.js'
import type { Transaction } from '../../db/client.js'
import { ApiProblem } from '../../problem.js'
import type { Owner } from '../webhooks/webhooks.js'
import type { HistoryContext } from './deliveries.js'
import { oldestFirst, ofWebhook } from './delivery-filter.js'
import { discardSeen, moreThanSeen } from './discard.js'
import { addGoneBy, earlier, findLine, gapBegin } from './gone-by.js'
import { firstIdAt, ID_MAX, ID_MIN } from './id-time.js'
import { refuseTooMany } from './redeliveries.js'
import { takeFirstStep } from './redelivery-step.js'
import { summarize } from './redelivery-views.js'
import { withinTime } from './time-limit.js'

/** Held deliveries that one statement discards, where nobody has counted them. */
const BATCH = 5_000

export interface CatchUpOptions {
  /** How many to make due a second. An ordered webhook's queue all the same, since newer events would overtake them. */
  perSecond?: number
  /** Only events recorded at this time or later. ISO 8601. */
  from?: string | undefined
}

/**
 * Starts to deliver what a webhook has missed: what was held while it was paused or disabled, and the events that have gone
 * by while a Zapier subscription that it takes the place of had ended. Oldest first, at a pace, and on after a restart.
 * While a catch-up runs, asking again only changes its pace.
 * @throws ApiProblem not_found; conflict when the webhook is not active, or too many redeliveries are running;
 *   validation_failed when there is too much to count.
 */
export async function startCatchUp ({ database }: HistoryContext, owner: Owner, webhookId: string, { perSecond = PACE_QUICK, from }: CatchUpOptions = {}): Promise<RedeliverySummary> {
  return await database.sql.begin(async (tx) => {
    if (!(await lockWebhook(tx, owner, webhookId)).active) throw new ApiProblem('conflict', 'The webhook is paused or disabled: switch it on first')
    const id = await adjustRunning(tx, owner, webhookId, perSecond) ?? await insertCatchUp(tx, owner, webhookId, perSecond, from)
    const [redelivery] = await summarize(tx, owner, [id])
    if (!redelivery) throw new Error('The redelivery is gone')
    return redelivery
  })
}

/**
 * Discards what a webhook has missed, if it is no more than somebody has seen.
 * @param to Only events recorded before this time. ISO 8601.
 * @throws ApiProblem not_found; conflict when more was missed than `count`, or a catch-up is running.
 */
export async function discardMissed ({ database }: HistoryContext, owner: Owner, webhookId: string, count: number, to?: string): Promise<Discarded> {
  return await database.sql.begin(async (tx) => {
    await lockWebhook(tx, owner, webhookId)
    await refuseRunning(tx, owner, webhookId)
    let discarded = await discardSeen(tx, owner.organizationId, webhookId, { statuses: ['held'], to }, count)
    const line = await findLine(tx, owner.organizationId, webhookId)
    if (!line) return { discarded }
    const until = to === undefined ? line.until : earlier(line.until, firstIdAt(to))
    for (let position = await gapBegin(tx, line); position !== ID_MAX;) {
      const step = await addGoneBy(tx, { ...line, until }, position, 'discarded')
      discarded += step.added
      if (discarded > count) throw moreThanSeen(count)
      position = step.position
    }
    return { discarded }
  })
}

/** Discards all that a webhook has missed. @throws ApiProblem conflict while a catch-up is running. */
export async function discardHeld ({ database: { sql } }: HistoryContext, owner: Owner, webhookId: string): Promise<void> {
  await sql.begin(async (tx) => await refuseRunning(tx, owner, webhookId))
  for (let more = true; more;) {
    const rows = await sql`
      update cscx_zapier.webhook_deliveries set status = 'discarded' where id in (
        select d.id from cscx_zapier.webhook_deliveries d
        where ${ofWebhook(sql, owner.organizationId, sql`${webhookId}::uuid`, { statuses: ['held'] })} ${oldestFirst(sql)} limit ${BATCH})
        and status = 'held'
      returning 1`
    more = rows.length === BATCH
  }
  const line = await findLine(sql, owner.organizationId, webhookId)
  if (line) for (let position = await gapBegin(sql, line); position !== ID_MAX;) position = (await addGoneBy(sql, line, position, 'discarded')).position
}

async function lockWebhook (tx: Transaction, { organizationId }: Owner, webhookId: string): Promise<{ active: boolean }> {
  const [webhook] = await tx<Array<{ active: boolean }>>`
    select active from cscx_zapier.outbound_webhooks where id = ${webhookId} and organization_id = ${organizationId} and deleted_at is null for no key update`
  if (!webhook) throw new ApiProblem('not_found', 'There is no such webhook')
  return webhook
}

async function refuseRunning (tx: Transaction, { organizationId }: Owner, webhookId: string): Promise<void> {
  const running = await tx`
    select 1 from cscx_zapier.redeliveries where organization_id = ${organizationId} and webhook_id = ${webhookId} and kind = 'catch_up' and status = 'running'`
  if (running.length > 0) throw new ApiProblem('conflict', 'What the webhook has missed is being delivered: cancel that first')
}

/** Changes the pace of the catch-up that runs. @returns its id; undefined when none runs. */
async function adjustRunning (tx: Transaction, { organizationId }: Owner, webhookId: string, perSecond: number): Promise<string | undefined> {
  const [running] = await tx<Array<{ id: string }>>`
    update cscx_zapier.redeliveries set per_second = ${perSecond}::real
    where organization_id = ${organizationId} and webhook_id = ${webhookId} and kind = 'catch_up' and status = 'running' returning id`
  return running?.id
}

async function insertCatchUp (tx: Transaction, owner: Owner, webhookId: string, perSecond: number, from: string | undefined): Promise<string> {
  await refuseTooMany(tx, owner, 1)
  const id = uuidv7()
  const selection: RedeliverySelection = { from }
  await withinTime(tx, async () => {
    const line = await findLine(tx, owner.organizationId, webhookId)
    const begin = line ? await gapBegin(tx, line) : ID_MAX
    const first = from === undefined ? ID_MIN : firstIdAt(from)
    await tx`
      insert into cscx_zapier.redeliveries (id, organization_id, webhook_id, kind, selection, total, per_second, position, created_by)
      select ${id}, ${owner.organizationId}, ${webhookId}, 'catch_up', ${JSON.stringify(selection)}::text::jsonb, count(*), ${perSecond}::real, ${begin > first ? begin : first}, ${owner.id}
      from cscx_zapier.webhook_deliveries d where ${ofWebhook(tx, owner.organizationId, tx`${webhookId}::uuid`, { statuses: ['held'], from })}`
    await takeFirstStep(tx, id)
  })
  return id
}
