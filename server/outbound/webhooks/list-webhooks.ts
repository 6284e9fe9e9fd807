import { and, desc, lt } from 'drizzle-orm'
import type { Page, PageQuery } from '../../../shared/pagination.js'
import type { WebhookView } from '../../../shared/webhook.js'
import { pageOf, parseCursor } from '../../cursor.js'
import { outboundWebhooks } from '../../db/schema/index.js'
import { viewWebhook } from './view-webhook.js'
import { ofTenant, type Owner, type WebhookContext } from './webhooks.js'

/** Webhooks of the tenant, newest first. */
export async function listWebhooks (context: WebhookContext, owner: Owner, { limit, cursor }: PageQuery): Promise<Page<WebhookView>> {
  const before = parseCursor(cursor)
  const rows = await context.database.orm.select().from(outboundWebhooks)
    .where(and(ofTenant(owner), before === undefined ? undefined : lt(outboundWebhooks.id, before)))
    .orderBy(desc(outboundWebhooks.id)).limit(limit + 1)
  return pageOf(rows.map((row) => viewWebhook(context, row)), limit)
}
