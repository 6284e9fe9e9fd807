import type { KeyRing } from '../../auth/index.js'
import type { Sql } from '../../db/client.js'
import type { RetiredKey } from '../../db/schema/webhooks.js'

const BATCH = 200

interface SealedRow {
  id: string
  secret: string
  headers: Record<string, string>
  ed25519_key: string | null
  retired_keys: RetiredKey[]
}

/**
 * Seals anew what an older key of the ring had sealed in webhooks: secrets, keys and headers, whichever of them it is.
 * After that, the older key may be retired.
 */
export async function resealWebhooks (sql: Sql, keyRing: KeyRing): Promise<void> {
  const renew = (sealed: string) => keyIdOf(sealed) === keyRing.keyId ? sealed : keyRing.seal(keyRing.open(sealed))
  for (let more = true; more;) {
    more = await sql.begin(async (tx) => {
      const rows = await tx<SealedRow[]>`
        select id, secret, headers, ed25519_key, retired_keys from cscx_zapier.outbound_webhooks w
        where deleted_at is null and exists (
          select 1 from (
            select w.secret union all select w.ed25519_key
            union all select h.value from jsonb_each_text(w.headers) h
            union all select r ->> 'key' from jsonb_array_elements(w.retired_keys) r
          ) as t(sealed) where split_part(t.sealed, '.', 2) <> ${keyRing.keyId})
        limit ${BATCH} for no key update of w`
      for (const row of rows) {
        const headers = Object.fromEntries(Object.entries(row.headers).map(([name, value]) => [name, renew(value)]))
        const retiredKeys = row.retired_keys.map(({ key, ...rest }) => ({ key: renew(key), ...rest }))
        await tx`
          update cscx_zapier.outbound_webhooks set secret = ${renew(row.secret)}, headers = ${JSON.stringify(headers)}::text::jsonb,
            ed25519_key = ${row.ed25519_key === null ? null : renew(row.ed25519_key)}, retired_keys = ${JSON.stringify(retiredKeys)}::text::jsonb
          where id = ${row.id}`
      }
      return rows.length === BATCH
    })
  }
}

/** Which key sealed a value (see auth/encryption.ts for its format). */
function keyIdOf (sealed: string): string | undefined {
  return sealed.split('.')[1]
}
