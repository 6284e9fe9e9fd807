import { and, eq, isNotNull, isNull } from 'drizzle-orm'
import type { PublicKeySet } from '../../../shared/webhook-keys.js'
import { outboundWebhooks } from '../../db/schema/index.js'
import { ApiProblem } from '../../problem.js'
import { openSigningKeys } from '../sending/signing-key.js'
import { unexpired } from './secrets.js'
import type { WebhookContext } from './webhooks.js'

/**
 * What the `v1a` signatures of a webhook are verified with: its public key, and retired ones until they expire. Of any
 * tenant's webhook, since whoever verifies has no credentials; a webhook's id tells nothing else.
 * @throws ApiProblem not_found when there is no such webhook or it makes no such signatures; which of both is not told.
 */
export async function findPublicKeys ({ database, keyRing }: Pick<WebhookContext, 'database' | 'keyRing'>, webhookId: string): Promise<PublicKeySet> {
  const { id, secret, ed25519Key, retiredKeys, deletedAt } = outboundWebhooks
  const [row] = await database.orm.select({ secret, ed25519Key, retiredKeys }).from(outboundWebhooks)
    .where(and(eq(id, webhookId), isNull(deletedAt), isNotNull(ed25519Key)))
  if (!row) throw new ApiProblem('not_found', 'There are no public keys of such a webhook')
  const keys = openSigningKeys(keyRing, { ...row, retiredKeys: unexpired(row.retiredKeys) })
  return { keys: keys.flatMap(({ id: kid, publicKey }) => publicKey === null ? [] : [jwkOf(kid, publicKey)]) }
}

function jwkOf (kid: string, whpk: string): PublicKeySet['keys'][number] {
  const x = Buffer.from(whpk.slice('whpk_'.length), 'base64').toString('base64url')
  return { kty: 'OKP', crv: 'Ed25519', x, kid, use: 'sig', alg: 'EdDSA', whpk }
}
