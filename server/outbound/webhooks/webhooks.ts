import { randomBytes } from 'node:crypto'
import { and, desc, eq, isNull, lt } from 'drizzle-orm'
import { uuidv7 } from 'uuidv7'
import type { Page, PageQuery } from '../../../shared/pagination.js'
import { formatSecret } from '../../../shared/signature.js'
import { MASK, type CreatedSubscription, type NewSubscription, type NewWebhook, type WebhookChanges, type WebhookView } from '../../../shared/webhook.js'
import type { KeyRing } from '../../auth/index.js'
import { pageOf, parseCursor } from '../../cursor.js'
import type { Database } from '../../db/client.js'
import { outboundWebhooks } from '../../db/schema/index.js'
import { ApiProblem, invalidField } from '../../problem.js'
import { unparkDeliveries } from '../engine/claim.js'
import { RESERVED_HEADERS } from '../sending/compose.js'
import { endWebhook } from './end-webhook.js'
import { urlProblem, type UrlPolicy } from './webhook-url.js'

export type WebhookRow = typeof outboundWebhooks.$inferSelect

/** Header names whose values are credentials as a rule, and so are shown masked. */
const SENSITIVE_HEADER = /auth|token|secret|key|cookie|pass|pwd|credential|signature/i

export interface WebhookContext {
  database: Database
  keyRing: KeyRing
  urlPolicy: UrlPolicy
}

/** Who acts. Every statement below is confined to the organization. */
export interface Owner {
  organizationId: string
  /** The credential's id. */
  id: string
}

const ofTenant = (owner: Owner) => and(eq(outboundWebhooks.organizationId, owner.organizationId), isNull(outboundWebhooks.deletedAt))

/** Creates a webhook. @returns it and its signing secret, which cannot be read again. */
export async function createWebhook (context: WebhookContext, owner: Owner, input: NewWebhook): Promise<{ webhook: WebhookView, secret: string }> {
  checkUrl(context, input.url, '/url')
  checkHeaders(input.headers)
  const { row, secret } = await insertWebhook(context, owner, { ...input, kind: 'custom' })
  return { webhook: viewWebhook(context, row), secret }
}

/** Creates a webhook of kind `zapier` for one event type, as REST Hooks' subscribe asks. */
export async function subscribe (context: WebhookContext, owner: Owner, { event, target_url: url }: NewSubscription): Promise<CreatedSubscription> {
  checkUrl(context, url, '/target_url')
  const { row, secret } = await insertWebhook(context, owner, { name: `Zapier: ${event}`, url, events: [event], headers: {}, active: true, kind: 'zapier' })
  return { id: row.id, event, target_url: url, secret, created_at: row.createdAt.toISOString() }
}

async function insertWebhook ({ database, keyRing }: WebhookContext, owner: Owner, input: NewWebhook & { kind: 'custom' | 'zapier' }) {
  const secret = formatSecret(randomBytes(32))
  const [row] = await database.orm.insert(outboundWebhooks).values({
    ...input,
    // UUIDv7: lists are in the order of creation.
    id: uuidv7(),
    organizationId: owner.organizationId,
    userId: owner.id,
    headers: sealHeaders(keyRing, input.headers, {}),
    secret: keyRing.seal(secret)
  }).returning()
  if (!row) throw new Error('The insert returned no row')
  return { row, secret }
}

/** Webhooks of the tenant, newest first. */
export async function listWebhooks (context: WebhookContext, owner: Owner, { limit, cursor }: PageQuery): Promise<Page<WebhookView>> {
  const before = parseCursor(cursor)
  const rows = await context.database.orm.select().from(outboundWebhooks)
    .where(and(ofTenant(owner), before ? lt(outboundWebhooks.id, before) : undefined))
    .orderBy(desc(outboundWebhooks.id)).limit(limit + 1)
  return pageOf(rows.map((row) => viewWebhook(context, row)), limit)
}

/** @throws ApiProblem not_found when the tenant has no such webhook. */
export async function findWebhook ({ database }: WebhookContext, owner: Owner, id: string): Promise<WebhookRow> {
  const [row] = await database.orm.select().from(outboundWebhooks).where(and(ofTenant(owner), eq(outboundWebhooks.id, id)))
  if (!row) throw new ApiProblem('not_found', 'There is no such webhook')
  return row
}

/** @throws ApiProblem not_found when the tenant neither has nor had such a webhook. */
export async function requireWebhook ({ database }: WebhookContext, owner: Owner, id: string): Promise<void> {
  const rows = await database.orm.select({ id: outboundWebhooks.id }).from(outboundWebhooks)
    .where(and(eq(outboundWebhooks.organizationId, owner.organizationId), eq(outboundWebhooks.id, id)))
  if (rows.length === 0) throw new ApiProblem('not_found', 'There is no such webhook')
}

/** Changes a webhook. Pausing keeps what is waiting; switching on makes it due again. */
export async function updateWebhook (context: WebhookContext, owner: Owner, id: string, changes: WebhookChanges): Promise<WebhookView> {
  const current = await findWebhook(context, owner, id)
  if (changes.url !== undefined) checkUrl(context, changes.url, '/url')
  if (changes.headers !== undefined) checkHeaders(changes.headers)
  const { headers, ...plain } = changes
  const [row] = await context.database.orm.update(outboundWebhooks).set({
    ...plain,
    ...(headers ? { headers: sealHeaders(context.keyRing, headers, current.headers) } : {}),
    ...(changes.active ? { disabledReason: null } : {}),
    updatedAt: new Date()
  }).where(and(ofTenant(owner), eq(outboundWebhooks.id, id))).returning()
  if (!row) throw new ApiProblem('not_found', 'There is no such webhook')
  if (changes.active) await unparkDeliveries(context.database.sql)
  return viewWebhook(context, row)
}

/** Deletes a webhook. @throws ApiProblem not_found when the tenant has no such webhook. */
export async function deleteWebhook ({ database }: WebhookContext, owner: Owner, id: string): Promise<void> {
  const isEnded = await database.sql.begin(async (tx) => await endWebhook(tx, owner.organizationId, id))
  if (!isEnded) throw new ApiProblem('not_found', 'There is no such webhook')
}

/** Ends a subscription, as REST Hooks' unsubscribe asks: once or more often. @throws ApiProblem not_found when it never was this tenant's. */
export async function unsubscribe (context: WebhookContext, owner: Owner, id: string): Promise<void> {
  const [row] = await context.database.orm.select({ deletedAt: outboundWebhooks.deletedAt }).from(outboundWebhooks)
    .where(and(eq(outboundWebhooks.organizationId, owner.organizationId), eq(outboundWebhooks.id, id), eq(outboundWebhooks.kind, 'zapier')))
  if (!row) throw new ApiProblem('not_found', 'There is no such subscription')
  if (row.deletedAt === null) await deleteWebhook(context, owner, id)
}

export function viewWebhook ({ keyRing }: Pick<WebhookContext, 'keyRing'>, row: WebhookRow): WebhookView {
  return {
    id: row.id,
    kind: row.kind,
    name: row.name,
    url: row.url,
    events: row.events,
    headers: Object.fromEntries(Object.entries(row.headers).map(([name, sealed]) => [name, SENSITIVE_HEADER.test(name) ? MASK : keyRing.open(sealed)])),
    active: row.active,
    disabled_reason: row.disabledReason,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString()
  }
}

function checkUrl ({ urlPolicy }: WebhookContext, url: string, pointer: string): void {
  const problem = urlProblem(url, urlPolicy)
  if (problem) throw invalidField(pointer, problem, 'invalid_url')
}

function checkHeaders (headers: Record<string, string>): void {
  const errors = Object.keys(headers).filter((name) => RESERVED_HEADERS.test(name))
    .map((name) => ({ pointer: `/headers/${name}`, detail: 'This header is set by CSCX or belongs to the connection', code: 'reserved_header' }))
  if (errors.length > 0) throw new ApiProblem('validation_failed', 'Some headers cannot be set', { errors })
}

/** Encrypts header values; a value that came back masked keeps what it was. */
function sealHeaders (keyRing: KeyRing, headers: Record<string, string>, current: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => {
    if (value !== MASK) return [name, keyRing.seal(value)]
    const kept = current[name]
    if (kept === undefined) throw invalidField(`/headers/${name}`, 'There is no earlier value to keep', 'invalid')
    return [name, kept]
  }))
}
