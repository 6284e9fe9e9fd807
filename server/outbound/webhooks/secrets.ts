import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { formatPrivateKey, formatSecret } from '../../../shared/signature.js'
import type { SignatureScheme } from '../../../shared/webhook-keys.js'
import type { KeyRing } from '../../auth/index.js'
import type { Sql } from '../../db/client.js'
import type { RetiredKey } from '../../db/schema/webhooks.js'
import type { SealedKeys } from '../sending/signing-key.js'

/** Webhooks whose expired keys one statement drops at most. */
const BATCH = 200

/** A new signing secret, `whsec_…`: 32 random bytes, as many as the SHA-256 behind it takes in. */
export function newSecret (): string {
  return formatSecret(randomBytes(32))
}

/** A new ed25519 private key, `whsk_…`. */
export function newPrivateKey (): string {
  return formatPrivateKey(generateKeyPairSync('ed25519').privateKey)
}

/** The retired keys that still sign. */
export function unexpired (retired: readonly RetiredKey[]): RetiredKey[] {
  return retired.filter(({ expires_at: expiresAt }) => Date.parse(expiresAt) > Date.now())
}

/** How a webhook's requests are signed. */
export function schemesOf ({ ed25519Key }: Pick<SealedKeys, 'ed25519Key'>): SignatureScheme[] {
  return ed25519Key === null ? ['v1'] : ['v1', 'v1a']
}

/**
 * What a webhook's ed25519 keys become when other signatures are asked for: `v1a` makes a key where there is none, and its
 * absence forgets all of them.
 */
export function keysFor (keyRing: KeyRing, schemes: readonly SignatureScheme[], current: SealedKeys): Pick<SealedKeys, 'ed25519Key' | 'retiredKeys'> {
  const retiredKeys = unexpired(current.retiredKeys)
  if (schemes.includes('v1a')) return { ed25519Key: current.ed25519Key ?? keyRing.seal(newPrivateKey()), retiredKeys }
  return { ed25519Key: null, retiredKeys: retiredKeys.filter(({ key }) => keyRing.open(key).startsWith('whsec_')) }
}

/**
 * Removes keys that have expired, from a bounded number of webhooks: a key that signs no more need not be kept.
 * @returns from how many webhooks; {@link BATCH} of them means that there may be more.
 */
export async function dropExpiredKeys (sql: Sql): Promise<number> {
  const rows = await sql`
    update cscx_zapier.outbound_webhooks w set retired_keys = coalesce((
      select jsonb_agg(k order by n) from jsonb_array_elements(w.retired_keys) with ordinality as keys(k, n)
      where (k ->> 'expires_at')::timestamptz > now()), '[]')
    where w.id in (
      select e.id from cscx_zapier.outbound_webhooks e
      where e.retired_keys <> '[]' and exists (
        select 1 from jsonb_array_elements(e.retired_keys) as keys(k) where (k ->> 'expires_at')::timestamptz <= now())
      limit ${BATCH} for no key update skip locked)
    returning 1`
  return rows.length
}
