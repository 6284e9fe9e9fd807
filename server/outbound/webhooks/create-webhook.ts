import { uuidv7 } from 'uuidv7'
import type { z } from 'zod'
import type { CreatedWebhook } from '../../../shared/webhook.js'
import type { WebhookKind } from '../../../shared/webhook-state.js'
import { outboundWebhooks } from '../../db/schema/index.js'
import { compileFilter } from './filter.js'
import { sealHeaders } from './headers.js'
import { newPrivateKey, newSecret } from './secrets.js'
import { viewWebhook } from './view-webhook.js'
import type { webhookInput } from './webhook-input.js'
import type { OrmQueryable, Owner, WebhookContext, WebhookRow } from './webhooks.js'

/** What a new webhook is made of, as {@link webhookInput} lets it through. */
export type WebhookSettings = z.output<ReturnType<typeof webhookInput>['NewWebhook']>

/** Creates a webhook. @returns it and its signing secret, which cannot be read again. */
export async function createWebhook (context: WebhookContext, owner: Owner, settings: WebhookSettings): Promise<CreatedWebhook> {
  const { row, secret } = await insertWebhook(context.database.orm, context, owner, settings, { kind: 'custom', replaces: null })
  return { ...viewWebhook(context, row), secret }
}

/** Inserts a webhook of either kind. @returns its row, and its signing secret. */
export async function insertWebhook (
  orm: OrmQueryable, { keyRing }: Pick<WebhookContext, 'keyRing'>, owner: Owner, settings: WebhookSettings, { kind, replaces }: { kind: WebhookKind, replaces: string | null }
): Promise<{ row: WebhookRow, secret: string }> {
  const { name, url, events, filter, ordered, active } = settings
  const secret = newSecret()
  const [row] = await orm.insert(outboundWebhooks).values({
    // UUIDv7: lists are in the order of creation.
    id: uuidv7(),
    organizationId: owner.organizationId,
    userId: owner.id,
    kind,
    replaces,
    name,
    url,
    events,
    ordered,
    active,
    filter: filter && compileFilter(filter, events),
    ratePerSecond: settings.rate_limit?.per_second ?? null,
    rateBurst: settings.rate_limit?.burst ?? null,
    headers: sealHeaders(keyRing, settings.headers, {}),
    secret: keyRing.seal(secret),
    ed25519Key: settings.signature_schemes.includes('v1a') ? keyRing.seal(newPrivateKey()) : null
  }).returning()
  if (!row) throw new Error('The insert returned no row')
  return { row, secret }
}
