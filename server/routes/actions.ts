import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { pathFields } from '../../shared/catalogue/define-action.js'
import { actions, type Action } from '../../shared/catalogue/index.js'
import { Problem } from '../../shared/problem.js'
import { runAction } from '../inbound/index.js'
import { ApiProblem, invalidField } from '../problem.js'
import type { RouteContext } from './context.js'
import { idempotencyKey, IDEMPOTENCY_HEADER } from './idempotency-header.js'

/** The record-writing endpoints, one for each action of the catalogue. */
export async function actionRoutes (app: FastifyInstance, context: Pick<RouteContext, 'database' | 'schema'>): Promise<void> {
  for (const action of actions) actionRoute(app, context, action)
}

function actionRoute (app: FastifyInstance, { database, schema }: Pick<RouteContext, 'database' | 'schema'>, action: Action): void {
  app.route<{ Params: Record<string, string> }>({
    method: action.method,
    url: action.path.replaceAll(/\{(\w+)\}/g, ':$1'),
    config: { scope: action.scope },
    schema: describeRoute(action),
    // The schemas only describe: runAction validates path and body as one input, and shapes the answer.
    validatorCompiler: () => (value: unknown) => ({ value }),
    serializerCompiler: () => (answer) => JSON.stringify(answer),
    handler: async (request, reply) => {
      const { status, body, replayed } = await runAction(database, schema, {
        organizationId: request.credential.organizationId,
        actorId: request.credential.id,
        origin: 'zapier',
        action,
        input: mergeInput(request.params, request.body),
        idempotencyKey: idempotencyKey(request)
      })
      if (replayed) reply.header('idempotency-replayed', 'true')
      return await reply.code(status).send(body)
    }
  })
}

/** @throws ApiProblem when the body is no JSON object, or contradicts the path. */
function mergeInput (params: Readonly<Record<string, string>>, body: unknown): Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new ApiProblem('malformed_request', 'The body must be a JSON object')
  for (const [name, value] of Object.entries(params)) {
    const inBody = (body as Record<string, unknown>)[name]
    if (inBody !== undefined && inBody !== value) throw invalidField(`/${name}`, 'Differs from the one in the address: leave it out here', 'conflict')
  }
  return { ...body, ...params }
}

/** What OpenAPI says of an action: its input without the members that stand in the path. */
function describeRoute (action: Action) {
  const inPath = new Set(pathFields(action))
  const fields = Object.entries(action.input.shape as Record<string, z.ZodType>)
  const part = (wanted: boolean) => Object.fromEntries(fields.filter(([name]) => inPath.has(name) === wanted))
  const problem = (description: string) => ({ description, content: { 'application/problem+json': { schema: Problem } } })
  return {
    tags: ['Actions'],
    summary: action.label,
    description: action.description,
    operationId: action.name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
    headers: IDEMPOTENCY_HEADER,
    ...(inPath.size > 0 ? { params: z.object(part(true)) } : {}),
    body: z.strictObject(part(false)),
    response: {
      [action.method === 'POST' ? 201 : 200]: action.output,
      '4xx': problem('The request cannot be fulfilled; `code` says why, `errors` name the fields.'),
      503: problem('The database cannot answer right now; try again.')
    }
  }
}
