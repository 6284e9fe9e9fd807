import { and, eq, isNull } from 'drizzle-orm'
import type { KeyRing } from '../../auth/index.js'
import type { Database, Orm } from '../../db/client.js'
import { outboundWebhooks } from '../../db/schema/index.js'
import { ApiProblem } from '../../problem.js'
import { endWebhook } from './end-webhook.js'
import type { UrlPolicy } from './webhook-url.js'

export type WebhookRow = typeof outboundWebhooks.$inferSelect

export interface WebhookContext {
  database: Database
  keyRing: KeyRing
  urlPolicy: UrlPolicy
}

/** Who acts. Every statement about webhooks is confined to the organization. */
export interface Owner {
  organizationId: string
  /** The credential's id. */
  id: string
}

/** Drizzle, or a transaction of it. */
export type OrmQueryable = Pick<Orm, 'select' | 'insert' | 'update' | 'execute'>

/** The tenant's webhooks that have not ended. */
export const ofTenant = (owner: Owner) => and(eq(outboundWebhooks.organizationId, owner.organizationId), isNull(outboundWebhooks.deletedAt))

/** @throws ApiProblem not_found when the tenant has no such webhook. */
export async function findWebhook ({ database }: Pick<WebhookContext, 'database'>, owner: Owner, id: string): Promise<WebhookRow> {
  const [row] = await database.orm.select().from(outboundWebhooks).where(and(ofTenant(owner), eq(outboundWebhooks.id, id)))
  if (!row) throw new ApiProblem('not_found', 'There is no such webhook')
  return row
}

/**
 * Reads a webhook that the transaction is about to change: changes that depend on what was there do not overwrite each other.
 * @throws ApiProblem not_found when the tenant has no such webhook.
 */
export async function lockWebhook (tx: OrmQueryable, owner: Owner, id: string): Promise<WebhookRow> {
  // Not FOR UPDATE, which would hold up every fan-out to the webhook: its deliveries reference this row.
  const [row] = await tx.select().from(outboundWebhooks).where(and(ofTenant(owner), eq(outboundWebhooks.id, id))).for('no key update')
  if (!row) throw new ApiProblem('not_found', 'There is no such webhook')
  return row
}

/** @throws ApiProblem not_found when the tenant neither has nor had such a webhook. */
export async function requireWebhook ({ database }: Pick<WebhookContext, 'database'>, owner: Owner, id: string): Promise<void> {
  const rows = await database.orm.select({ id: outboundWebhooks.id }).from(outboundWebhooks)
    .where(and(eq(outboundWebhooks.organizationId, owner.organizationId), eq(outboundWebhooks.id, id)))
  if (rows.length === 0) throw new ApiProblem('not_found', 'There is no such webhook')
}

/** Deletes a webhook. @throws ApiProblem not_found when the tenant has no such webhook. */
export async function deleteWebhook ({ database }: Pick<WebhookContext, 'database'>, owner: Owner, id: string): Promise<void> {
  const isEnded = await database.sql.begin(async (tx) => await endWebhook(tx, owner.organizationId, id, { tellReceiver: true }))
  if (!isEnded) throw new ApiProblem('not_found', 'There is no such webhook')
}
