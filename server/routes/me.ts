import { z } from 'zod'
import type { ZodApp } from './zod-app.js'

const Me = z.object({
  id: z.string(),
  kind: z.enum(['api_key']),
  name: z.string(),
  email: z.string().nullable(),
  organization_id: z.string(),
  organization_name: z.string(),
  scopes: z.array(z.string())
})

/** Who calls: what Zapier shows as the connection's label. */
export async function meRoutes (app: ZodApp): Promise<void> {
  app.get('/api/me', {
    config: { scope: 'any' },
    schema: { tags: ['Access'], summary: 'Who calls, and what for', operationId: 'me', response: { 200: Me } }
  }, async ({ credential }) => ({
    id: credential.id,
    kind: credential.kind,
    name: credential.name,
    email: credential.email,
    organization_id: credential.organizationId,
    organization_name: credential.organizationName,
    scopes: [...credential.scopes]
  }))
}
