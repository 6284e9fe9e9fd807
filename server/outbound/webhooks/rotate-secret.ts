import { and, eq } from 'drizzle-orm'
import type { CreatedWebhook } from '../../../shared/webhook.js'
import type { SecretRotation } from '../../../shared/webhook-keys.js'
import { outboundWebhooks } from '../../db/schema/index.js'
import type { RetiredKey } from '../../db/schema/webhooks.js'
import { ApiProblem } from '../../problem.js'
import { openSigningKeys, type SealedKeys } from '../sending/signing-key.js'
import { newPrivateKey, newSecret, unexpired } from './secrets.js'
import { viewWebhook } from './view-webhook.js'
import { lockWebhook, type Owner, type WebhookContext } from './webhooks.js'

/** Secrets that sign for one webhook at the same time, at most; as many ed25519 keys beside them. */
const SECRETS_MAX = 5

/**
 * Replaces a webhook's signing secret, and its ed25519 key where it has one. Those so far sign beside the new ones for the
 * overlap, so that its receiver can change over without missing an event; none of them is ever shown.
 * @returns the webhook, and the new secret, which cannot be read again.
 * @throws ApiProblem not_found; conflict for a subscription, and when {@link SECRETS_MAX} sign already: as with Svix, the
 *   oldest is not dropped for the new one, since a receiver may still rely on it.
 */
export async function rotateSecret (context: WebhookContext, owner: Owner, id: string, { overlap_seconds: overlapSeconds }: SecretRotation): Promise<CreatedWebhook> {
  const secret = newSecret()
  const row = await context.database.orm.transaction(async (tx) => {
    const current = await lockWebhook(tx, owner, id)
    if (current.kind === 'zapier') throw new ApiProblem('conflict', 'The secret of a subscription is Zapier\'s, which keeps the one it was given: switch the Zap off and on again for a new one')
    const [changed] = await tx.update(outboundWebhooks).set({
      secret: context.keyRing.seal(secret),
      ed25519Key: current.ed25519Key === null ? null : context.keyRing.seal(newPrivateKey()),
      retiredKeys: overlapSeconds === 0 ? [] : retire(context, current, overlapSeconds),
      updatedAt: new Date()
    }).where(and(eq(outboundWebhooks.organizationId, owner.organizationId), eq(outboundWebhooks.id, id))).returning()
    return changed ?? current
  })
  return { ...viewWebhook(context, row), secret }
}

/** The keys that sign on when today's are replaced, newest first. */
function retire ({ keyRing }: WebhookContext, current: SealedKeys, overlapSeconds: number): RetiredKey[] {
  const earlier = unexpired(current.retiredKeys)
  const secrets = openSigningKeys(keyRing, { ...current, retiredKeys: earlier }).filter(({ scheme }) => scheme === 'v1')
  if (secrets.length >= SECRETS_MAX) {
    const first = new Date(Math.min(...secrets.map(({ expiresAtSeconds }) => expiresAtSeconds)) * 1_000).toISOString()
    throw new ApiProblem('conflict', `${SECRETS_MAX} secrets sign for this webhook already, one of them until ${first}. Wait for that, or end all earlier ones at once with overlap_seconds 0.`)
  }
  const expiresAt = new Date(Date.now() + overlapSeconds * 1_000).toISOString()
  const replaced = [current.secret, ...current.ed25519Key === null ? [] : [current.ed25519Key]]
  return [...replaced.map((key) => ({ key, expires_at: expiresAt })), ...earlier]
}
