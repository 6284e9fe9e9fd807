import type { FastifyBaseLogger, FastifyInstance, RawReplyDefaultExpression, RawRequestDefaultExpression, RawServerDefault } from 'fastify'
import { serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import type { z } from 'zod'
import { parseInput } from '../validation.js'

/** A Fastify instance whose routes are described with zod. */
export type ZodApp = FastifyInstance<RawServerDefault, RawRequestDefaultExpression, RawReplyDefaultExpression, FastifyBaseLogger, ZodTypeProvider>

/** Where a wrong field is said to be, when it is not in the body. */
const PREFIXES: Readonly<Record<string, string>> = { querystring: '#query', params: '#path', headers: '#headers' }

/** Makes routes validate with zod, so that one answer names every wrong field, and answer in their declared shape. */
export function zodValidation (app: FastifyInstance): ZodApp {
  app.setValidatorCompiler<z.ZodType>(({ schema, httpPart }) => (value) => {
    try {
      return { value: parseInput(schema, value === undefined ? {} : value, PREFIXES[httpPart ?? ''] ?? '') }
    } catch (error) {
      return { error: error as Error }
    }
  })
  app.setSerializerCompiler(serializerCompiler)
  return app.withTypeProvider<ZodTypeProvider>()
}
