import type { KeyRing } from '../../auth/index.js'
import type { Sql } from '../../db/client.js'

const BATCH = 200

interface SealedRow {
  id: string
  secret: string
  headers: Record<string, string>
}

/** Seals secrets and headers anew that an older key of the ring had sealed; after that, the older key may be retired. */
export async function resealWebhooks (sql: Sql, keyRing: KeyRing): Promise<void> {
  const renew = (sealed: string) => keyRing.seal(keyRing.open(sealed))
  for (let more = true; more;) {
    more = await sql.begin(async (tx) => {
      const rows = await tx<SealedRow[]>`
        select id, secret, headers from cscx_zapier.outbound_webhooks
        where deleted_at is null and split_part(secret, '.', 2) <> ${keyRing.keyId} limit ${BATCH} for update`
      for (const { id, secret, headers } of rows) {
        const renewed = Object.fromEntries(Object.entries(headers).map(([name, sealed]) => [name, renew(sealed)]))
        await tx`update cscx_zapier.outbound_webhooks set secret = ${renew(secret)}, headers = ${JSON.stringify(renewed)}::text::jsonb where id = ${id}`
      }
      return rows.length === BATCH
    })
  }
}
