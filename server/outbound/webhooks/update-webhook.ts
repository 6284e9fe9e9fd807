import { and, eq } from 'drizzle-orm'
import type { z } from 'zod'
import type { Missed, WebhookView } from '../../../shared/webhook.js'
import type { Sql } from '../../db/client.js'
import { outboundWebhooks } from '../../db/schema/index.js'
import { invalidFields } from '../../validation.js'
import { discardHeld, startCatchUp } from '../history/catch-up.js'
import { checkFilter, compileFilter, viewFilter } from './filter.js'
import { sealHeaders } from './headers.js'
import { keysFor, schemesOf } from './secrets.js'
import { viewWebhook } from './view-webhook.js'
import { holdDeliveries } from './waiting-deliveries.js'
import type { webhookInput } from './webhook-input.js'
import { lockWebhook, type Owner, type WebhookContext, type WebhookRow } from './webhooks.js'

/** What changes of a webhook, as {@link webhookInput} lets it through; members left out stay as they are. */
export type WebhookChanges = z.output<ReturnType<typeof webhookInput>['WebhookChanges']>

/**
 * Changes a webhook. Switched off, it has its deliveries held. Switched on, it has them delivered, kept or discarded: as
 * `missed` says, or else by why it was off.
 * @throws ApiProblem not_found; validation_failed where the changes do not go with what stays; conflict where what was
 *   missed can be neither delivered nor discarded right now: the webhook is then changed all the same, and keeps it.
 */
export async function updateWebhook (context: WebhookContext, owner: Owner, id: string, changes: WebhookChanges): Promise<WebhookView> {
  const { before, after } = await context.database.orm.transaction(async (tx) => {
    const current = await lockWebhook(tx, owner, id)
    const [changed] = await tx.update(outboundWebhooks).set(columnsOf(context, changes, current))
      .where(and(eq(outboundWebhooks.organizationId, owner.organizationId), eq(outboundWebhooks.id, id))).returning()
    return { before: current, after: changed ?? current }
  })
  if (before.active && !after.active) await holdWaiting(context.database.sql, owner, id)
  const missed = whatBecomesOfMissed(changes, before)
  if (missed === 'deliver') await startCatchUp(context, owner, id)
  if (missed === 'discard') await discardHeld(context, owner, id)
  return viewWebhook(context, after)
}

/** The columns that changes come to. Those that are undefined stay as they are. */
function columnsOf ({ keyRing }: Pick<WebhookContext, 'keyRing'>, changes: WebhookChanges, current: WebhookRow) {
  const { name, url, events, ordered, active, rate_limit: rateLimit } = changes
  const isSwitchedOn = active === true && !current.active
  const isMoved = url !== undefined && url !== current.url
  return {
    name,
    url,
    events,
    ordered,
    active,
    ...filterFor(changes, current),
    ...(rateLimit === undefined ? {} : { ratePerSecond: rateLimit?.per_second ?? null, rateBurst: rateLimit?.burst ?? null }),
    ...(changes.headers === undefined ? {} : { headers: sealHeaders(keyRing, changes.headers, current.headers) }),
    ...keysFor(keyRing, changes.signature_schemes ?? schemesOf(current), current),
    ...(isSwitchedOn ? { disabledReason: null } : {}),
    // What was wrong was so of another receiver, or is for its owner to have mended.
    ...(isSwitchedOn || isMoved ? { failingSince: null, throttledUntil: null } : {}),
    updatedAt: new Date()
  }
}

/** The filter as it is to be stored: it belongs to event types, so a change of either is a change of both. */
function filterFor ({ filter, events }: WebhookChanges, current: WebhookRow): Partial<Pick<WebhookRow, 'filter'>> {
  if (filter === undefined && events === undefined) return {}
  const wanted = filter === undefined ? current.filter && viewFilter(current.filter) : filter
  if (wanted === null) return { filter: null }
  const eventTypes = events ?? current.events
  const errors = checkFilter(wanted, eventTypes)
  if (errors.length > 0) throw invalidFields(errors)
  return { filter: compileFilter(wanted, eventTypes) }
}

/** Unless it is said: what its owner has held back is wanted, and what a broken receiver has missed may come as a surprise. */
function whatBecomesOfMissed ({ active, missed }: WebhookChanges, before: WebhookRow): Missed {
  if (missed !== undefined) return missed
  return active === true && !before.active && before.disabledReason === null ? 'deliver' : 'keep'
}

async function holdWaiting (sql: Sql, { organizationId }: Owner, id: string): Promise<void> {
  await sql.begin(async (tx) => {
    // Locked, so that whoever switches it on again at this moment finds all that is held.
    const rows = await tx`
      select 1 from cscx_zapier.outbound_webhooks
      where id = ${id} and organization_id = ${organizationId} and not active and deleted_at is null for no key update`
    if (rows.length > 0) await holdDeliveries(tx, organizationId, id)
  })
}
