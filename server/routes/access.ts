import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Scope } from '../../shared/scopes.js'
import { authenticateKey, type Credential } from '../auth/index.js'
import type { Database } from '../db/client.js'
import { ApiProblem } from '../problem.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls. There on every route that is not public. */
    credential: Credential
  }
  interface FastifyContextConfig {
    /** The scope that a credential must have; `any` for every valid credential, `public` for none. Every route says one. */
    scope?: Scope | 'any' | 'public'
  }
}

/**
 * Guards every route by the scope it names (RFC 6750 for how that is asked for and refused).
 * A route that names none keeps the server from starting: nothing is open by oversight.
 */
export function accessControl (app: FastifyInstance, database: Database): void {
  app.decorateRequest('credential', null as unknown as Credential)
  app.addHook('onRoute', ({ config, method, url }) => {
    if (config?.scope === undefined) throw new Error(`Route ${String(method)} ${url} names no scope`)
  })
  app.addHook('onRequest', async (request) => {
    const scope = request.is404 ? 'public' : request.routeOptions.config.scope
    if (scope === 'public') return
    request.credential = await authenticate(database, request)
    if (scope !== undefined && scope !== 'any' && !request.credential.scopes.includes(scope)) {
      throw new ApiProblem('insufficient_scope', `This needs the scope ${scope}`, { headers: { 'www-authenticate': `Bearer error="insufficient_scope", scope="${scope}"` } })
    }
  })
}

async function authenticate (database: Database, { headers }: FastifyRequest): Promise<Credential> {
  const match = /^Bearer +([\x21-\x7e]{1,4096}) *$/i.exec(headers.authorization ?? '')
  if (!match) throw new ApiProblem('unauthenticated', 'Send an API key as "Authorization: Bearer …"', { headers: { 'www-authenticate': 'Bearer' } })
  const credential = await authenticateKey(database, match[1] as string)
  if (!credential) throw new ApiProblem('unauthenticated', 'This API key is not valid', { headers: { 'www-authenticate': 'Bearer error="invalid_token"' } })
  return credential
}
