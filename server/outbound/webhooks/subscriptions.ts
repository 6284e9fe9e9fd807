import { and, eq, sql } from 'drizzle-orm'
import type { z } from 'zod'
import type { CreatedSubscription } from '../../../shared/webhook.js'
import { outboundWebhooks } from '../../db/schema/index.js'
import { ApiProblem } from '../../problem.js'
import { insertWebhook } from './create-webhook.js'
import { endWebhook } from './end-webhook.js'
import type { webhookInput } from './webhook-input.js'
import type { OrmQueryable, Owner, WebhookContext } from './webhooks.js'

/** How long after its end a subscription may be replaced by another, in days. */
const REPLACEABLE_DAYS = 30

/** What a new subscription is made of, as {@link webhookInput} lets it through. */
export type SubscriptionSettings = z.output<ReturnType<typeof webhookInput>['NewSubscription']>

/**
 * Creates a webhook of kind `zapier` for one event type, as REST Hooks' subscribe asks. Zapier subscribes anew, with another
 * hook URL, whenever a Zap is switched on; the subscription that this one takes the place of is noted, so that what was
 * missed between them can be caught up.
 */
export async function subscribe (context: WebhookContext, owner: Owner, { event, target_url: url, filter }: SubscriptionSettings): Promise<CreatedSubscription> {
  const settings = { name: `Zapier: ${event}`, url, events: [event], filter, headers: {}, ordered: false, rate_limit: null, signature_schemes: ['v1' as const], active: true }
  const { row, secret } = await context.database.orm.transaction(async (tx) => {
    const replaces = await findReplaced(tx, owner, event)
    return await insertWebhook(tx, context, owner, settings, { kind: 'zapier', replaces })
  })
  return { id: row.id, event, target_url: url, secret, created_at: row.createdAt.toISOString() }
}

/**
 * The subscription that a new one takes the place of: the latest of the same user's, to the same event type only, that has
 * ended in the last {@link REPLACEABLE_DAYS} days and was not replaced before.
 * @returns its id; null when there is none.
 */
async function findReplaced (tx: OrmQueryable, { organizationId, id: userId }: Owner, event: string): Promise<string | null> {
  // Of two that subscribe at once, each would otherwise take the same one's place.
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`replaces ${organizationId} ${userId} ${event}`}, 0))`)
  const [row] = await tx.execute<{ id: string }>(sql`
    select w.id from cscx_zapier.outbound_webhooks w
    where w.organization_id = ${organizationId} and w.user_id = ${userId} and w.kind = 'zapier' and w.events = array[${event}]::text[]
      and w.deleted_at > now() - ${REPLACEABLE_DAYS}::int * interval '1 day'
      and not exists (select 1 from cscx_zapier.outbound_webhooks newer where newer.organization_id = w.organization_id and newer.replaces = w.id)
    order by w.deleted_at desc limit 1`)
  return row?.id ?? null
}

/**
 * Ends a subscription, as REST Hooks' unsubscribe asks: once or more often. Zapier itself asks, and so is not told.
 * @throws ApiProblem not_found when it never was this tenant's.
 */
export async function unsubscribe ({ database }: Pick<WebhookContext, 'database'>, owner: Owner, id: string): Promise<void> {
  const rows = await database.orm.select({ id: outboundWebhooks.id }).from(outboundWebhooks)
    .where(and(eq(outboundWebhooks.organizationId, owner.organizationId), eq(outboundWebhooks.id, id), eq(outboundWebhooks.kind, 'zapier')))
  if (rows.length === 0) throw new ApiProblem('not_found', 'There is no such subscription')
  await database.sql.begin(async (tx) => await endWebhook(tx, owner.organizationId, id, { tellReceiver: false }))
}
