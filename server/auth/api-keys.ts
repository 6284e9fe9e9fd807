import { timingSafeEqual } from 'node:crypto'
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

interface KeyRow {
  hash: Buffer
  organization_id: string
  organization_name: string | null
  name: string
  scopes: string[]
  is_use_noted: boolean
}

/** Who presents this key; undefined when it is malformed, unknown or revoked. One statement, as a rule: it comes before every request. */
export async function authenticateKey ({ sql }: Database, key: string): Promise<Credential | undefined> {
  const id = keyId(key)
  if (id === undefined) return undefined
  const [row] = await sql<KeyRow[]>`
    select k.hash, k.organization_id, o.name as organization_name, k.name, k.scopes,
      coalesce(k.last_used_at > now() - interval '1 minute', false) as is_use_noted
    from cscx_zapier.api_keys k left join public.organizations o on o.id = k.organization_id
    where k.id = ${id} and k.revoked_at is null`
  if (!row || !timingSafeEqual(row.hash, hashKey(key))) return undefined
  if (!row.is_use_noted) await noteUse(sql, id)
  return {
    kind: 'api_key',
    id,
    organizationId: row.organization_id,
    organizationName: row.organization_name ?? '',
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
