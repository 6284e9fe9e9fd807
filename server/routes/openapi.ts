import { jsonSchemaTransform } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { SCOPES } from '../../shared/scopes.js'
import type { ZodApp } from './zod-app.js'

/** The parts of the OpenAPI document that no route says of itself. */
export const openApi = {
  openapi: '3.1.0',
  info: {
    title: 'CSCX.AI webhooks and Zapier',
    version: '1.0.0',
    description: 'Events out, signed and never lost; actions in, validated and explained. Errors are problem+json (RFC 9457) with a stable `code` and, for validation, a JSON Pointer for each wrong field.'
  },
  components: {
    securitySchemes: {
      apiKey: {
        type: 'http' as const,
        scheme: 'bearer',
        description: `An API key. Scopes: ${Object.entries(SCOPES).map(([scope, meaning]) => `\`${scope}\` (${meaning})`).join(', ')}.`
      }
    }
  },
  security: [{ apiKey: [] }]
}

/** Adds to a route's description what its `config.scope` says: which credential it wants. */
export const describeRoute: typeof jsonSchemaTransform = (input) => {
  const { schema, url } = jsonSchemaTransform(input)
  const scope = input.route.config?.scope
  if (scope === 'public') return { schema: { ...schema, security: [] }, url }
  const wanted = scope === 'any' || scope === undefined ? 'Any valid credential.' : `Scope: \`${scope}\`.`
  return { schema: { ...schema, description: [schema.description, wanted].filter(Boolean).join(' ') }, url }
}

/** Serves the OpenAPI document, which is generated from the routes. */
export async function openApiRoutes (app: ZodApp): Promise<void> {
  app.get('/openapi.json', {
    config: { scope: 'public' },
    schema: { hide: true, response: { 200: z.any() } }
  }, async () => app.swagger())
}
