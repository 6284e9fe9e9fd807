import fastifySwagger from '@fastify/swagger'
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { uuidv7 } from 'uuidv7'
import { accessControl } from './routes/access.js'
import { actionRoutes } from './routes/actions.js'
import { catalogueRoutes } from './routes/catalogue.js'
import type { RouteContext } from './routes/context.js'
import { deliveryRoutes } from './routes/deliveries.js'
import { problemHandlers } from './routes/errors.js'
import { eventHistoryRoutes } from './routes/event-history.js'
import { eventRoutes } from './routes/events.js'
import { healthRoutes } from './routes/health.js'
import { meRoutes } from './routes/me.js'
import { describeRoute, openApi, openApiRoutes } from './routes/openapi.js'
import { redeliveryRoutes } from './routes/redeliveries.js'
import { subscriptionRoutes } from './routes/subscriptions.js'
import { webhookRoutes } from './routes/webhooks.js'
import { zodValidation, type ZodApp } from './routes/zod-app.js'

/** Largest request body, in bytes. */
const BODY_MAX = 1024 * 1024
/** A request that has not arrived whole by then is dropped; shorter than a drain may take. */
const REQUEST_TIMEOUT_MS = 20_000

/**
 * Builds the HTTP application; listening is the caller's business.
 * @param role `worker` answers health checks only.
 */
export async function buildApp (context: RouteContext, role: 'api' | 'worker' | 'all', logger: FastifyBaseLogger): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    genReqId: () => uuidv7(),
    forceCloseConnections: 'idle'
  })
  jsonBodies(app)
  problemHandlers(app)
  accessControl(app, context.database)
  const zodApp = zodValidation(app)
  await app.register(fastifySwagger, { openapi: openApi, transform: describeRoute })
  const groups = role === 'worker' ? [healthRoutes] : API_ROUTES
  for (const routes of groups) await zodApp.register(async (scope) => await routes(scope as ZodApp, context))
  return app
}

/** JSON is the only kind of body. An empty one counts as none, whatever its Content-Type says: many clients send the header always. */
function jsonBodies (app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined)
    else return parse(request, body, done)
  })
}

const API_ROUTES: Array<(app: ZodApp, context: RouteContext) => Promise<void>> =
  [healthRoutes, meRoutes, catalogueRoutes, subscriptionRoutes, actionRoutes, eventRoutes, eventHistoryRoutes, webhookRoutes, deliveryRoutes, redeliveryRoutes, openApiRoutes]
