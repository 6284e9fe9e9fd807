import { timingSafeEqual } from 'node:crypto'
import { and, eq, isNull } from 'drizzle-orm'
import { Scope } from '../../shared/scopes.js'
import type { Database, Sql } from '../db/client.js'
import { apiKeys } from '../db/schema/index.js'
import type { Credential } from './credential.js'
import { generateKey, hashKey, keyId } from './key-format.js'

export interface Organization {
  id: string
  name: string
  slug: string
}

/** @returns undefined when there is no organization of that slug. @throws when CSCX's `organizations` table is missing. */
export async function findOrganization (sql: Sql, slug: string): Promise<Organization | undefined> {
  const [row] = await sql<Organization[]>`select id::text, name, slug from public.organizations where slug = ${slug}`
  return row
}

/** Makes an API key for an organization. @returns the key, which is not stored and cannot be shown again. */
export async function createApiKey (database: Database, organizationId: string, name: string, scopes: readonly Scope[]): Promise<string> {
  const key = generateKey()
  await database.orm.insert(apiKeys).values({ id: keyId(key) ?? '', organizationId, name, hash: hashKey(key), scopes: [...scopes] })
  return key
}

/** Who presents this key; undefined when it is malformed, unknown or revoked. */
export async function authenticateKey (database: Database, key: string): Promise<Credential | undefined> {
  const id = keyId(key)
  if (id === undefined) return undefined
  const [row] = await database.orm.select().from(apiKeys).where(and(eq(apiKeys.id, id), isNull(apiKeys.revokedAt))).limit(1)
  if (!row || !timingSafeEqual(row.hash, hashKey(key))) return undefined
  const [organization] = await database.sql<Array<{ name: string }>>`select name from public.organizations where id = ${row.organizationId}`
  await noteUse(database.sql, id)
  return {
    kind: 'api_key',
    id,
    organizationId: row.organizationId,
    organizationName: organization?.name ?? '',
    name: row.name,
    email: null,
    scopes: row.scopes.flatMap((scope) => Scope.safeParse(scope).data ?? [])
  }
}

/** At most once a minute: a busy key must not make its row hot. */
async function noteUse (sql: Sql, id: string): Promise<void> {
  await sql`update cscx_zapier.api_keys set last_used_at = now()
    where id = ${id} and (last_used_at is null or last_used_at < now() - interval '1 minute')`
}
