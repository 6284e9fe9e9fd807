import { eventNames } from '../../../shared/catalogue/index.js'
import type { Decision, DecisionQuery, ExplainedEvent, WebhookDecision, WebhookDecisionQuery } from '../../../shared/event-history.js'
import type { Page, PageQuery } from '../../../shared/pagination.js'
import { isUuid, parseCursor } from '../../cursor.js'
import type { Database, Sql } from '../../db/client.js'
import { ApiProblem, invalidField } from '../../problem.js'
import type { Owner } from '../webhooks/webhooks.js'
import { readFacts, type Pair } from './decision-facts.js'
import { findEventIds } from './event-ids.js'
import { findEventById, readSummaries } from './events.js'
import { explain } from './explain.js'
import { ID_MAX, ID_MIN } from './id-time.js'

/** Events that one page about a webhook looks at, where only some decisions are asked for; so many at a time. */
const SCAN_MAX = 1_000
const SCAN_STEP = 200

/**
 * An event, and for each webhook what became of it and why: first those that it was meant for, then the others that were
 * there when it was recorded, then those that came later or had ended. Of a test, only the webhook that was tested.
 * @throws ApiProblem not_found when the tenant has no such event.
 */
export async function explainEvent ({ sql }: Pick<Database, 'sql'>, owner: Owner, id: string, query: DecisionQuery): Promise<ExplainedEvent> {
  const event = await findEventById(sql, owner.organizationId, id)
  const { pairs, next } = await findWebhooks(sql, owner.organizationId, event, query)
  const decisions = (await readFacts(sql, owner.organizationId, pairs)).map(explain)
  return { ...event, decisions: { data: decisions, next_cursor: next } }
}

/** In which order webhooks come; a cursor is one of these letters and the last webhook's id. */
const STAGES = ['d', 'w', 'o'] as const
type Stage = typeof STAGES[number]

async function findWebhooks (sql: Sql, organizationId: string, { id: eventId, is_test: isTest }: { id: string, is_test: boolean }, { limit, cursor }: PageQuery): Promise<{ pairs: Pair[], next: string | null }> {
  const from = parseStagedCursor(cursor)
  const found: Array<{ webhookId: string, stage: Stage }> = []
  for (const stage of STAGES.slice(STAGES.indexOf(from.stage), isTest ? 1 : undefined)) {
    if (found.length > limit) break
    const after = stage === from.stage ? from.after : undefined
    const ids = await ofStage(sql, organizationId, eventId, stage, after, limit + 1 - found.length)
    found.push(...ids.map((webhookId) => ({ webhookId, stage })))
  }
  const page = found.slice(0, limit)
  const last = page.at(-1)
  return { pairs: page.map(({ webhookId }) => ({ eventId, webhookId })), next: found.length > limit && last ? `${last.stage}${last.webhookId}` : null }
}

async function ofStage (sql: Sql, organizationId: string, eventId: string, stage: Stage, after: string | undefined, limit: number): Promise<string[]> {
  if (stage === 'd') {
    const rows = await sql<Array<{ webhook_id: string }>>`
      select webhook_id from cscx_zapier.webhook_deliveries
      where event_id = ${eventId} and organization_id = ${organizationId} and webhook_id > ${after ?? ID_MIN}
      order by webhook_id limit ${limit}`
    return rows.map((row) => row.webhook_id)
  }
  const rows = await sql<Array<{ id: string }>>`
    select w.id from cscx_zapier.outbound_webhooks w join cscx_zapier.events e on e.id = ${eventId}
    where w.organization_id = ${organizationId} and w.id < ${after ?? ID_MAX}
      and (w.created_at <= e.created_at and (w.deleted_at is null or w.deleted_at > e.created_at)) = ${stage === 'w'}
      and not exists (select from cscx_zapier.webhook_deliveries d where d.event_id = e.id and d.webhook_id = w.id)
    order by w.id desc limit ${limit}`
  return rows.map(({ id }) => id)
}

function parseStagedCursor (cursor: string | undefined): { stage: Stage, after: string | undefined } {
  if (cursor === undefined) return { stage: 'd', after: undefined }
  const stage = STAGES.find((letter) => cursor.startsWith(letter))
  const after = cursor.slice(1)
  if (stage === undefined || !isUuid(after)) throw invalidField('#query/cursor', 'This is not a cursor: use next_cursor of the page before', 'invalid_cursor')
  return { stage, after }
}

/**
 * What became of the tenant's events for one webhook, newest first: of the event types that it has selected now, unless
 * others are asked for. Tests are left out.
 * @throws ApiProblem not_found when the tenant neither has nor had such a webhook.
 */
export async function listDecisions ({ sql }: Pick<Database, 'sql'>, owner: Owner, webhookId: string, query: WebhookDecisionQuery): Promise<Page<WebhookDecision>> {
  const { organizationId } = owner
  const [webhook] = await sql<Array<{ events: string[] }>>`select events from cscx_zapier.outbound_webhooks where id = ${webhookId} and organization_id = ${organizationId}`
  if (!webhook) throw new ApiProblem('not_found', 'There is no such webhook')
  const { code, from, to, limit } = query
  const types = query.event ?? webhook.events.filter((name) => eventNames.includes(name))
  const found: Array<{ eventId: string, decision: Decision }> = []
  let before = parseCursor(query.cursor)
  let next: string | null = null
  for (let scanned = 0; scanned < SCAN_MAX && found.length < limit; scanned += SCAN_STEP) {
    const step = await findEventIds(sql, organizationId, { types, from, to, before, withTests: false, limit: code === undefined ? limit : SCAN_STEP })
    const facts = await readFacts(sql, organizationId, step.ids.map((eventId) => ({ eventId, webhookId })))
    const matching = facts.map((known) => ({ eventId: known.event.id, decision: explain(known) })).filter(({ decision }) => code === undefined || decision.code === code)
    found.push(...matching)
    next = step.next
    if (next === null) break
    before = next
  }
  const page = found.slice(0, limit)
  const summaries = new Map((await readSummaries(sql, organizationId, page.map(({ eventId }) => eventId))).map((event) => [event.id, event]))
  const data = page.flatMap(({ eventId, decision }) => {
    const event = summaries.get(eventId)
    return event ? [{ ...decision, event }] : []
  })
  return { data, next_cursor: found.length > limit ? page.at(-1)?.eventId ?? null : next }
}
