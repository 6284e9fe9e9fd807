import { AcceptedEvent, postEvent, PostedEvent } from '../capture/index.js'
import { runIdempotently } from '../idempotency.js'
import type { RouteContext } from './context.js'
import { idempotencyKey, IDEMPOTENCY_HEADER } from './idempotency-header.js'
import type { ZodApp } from './zod-app.js'

/** Events from producers that do not write to CSCX's database. */
export async function eventRoutes (app: ZodApp, { database }: RouteContext): Promise<void> {
  app.post('/api/events', {
    config: { scope: 'events:write' },
    schema: {
      tags: ['Events'],
      summary: 'Post an event',
      description: 'Records an event and delivers it to every webhook that selected its type. Answered once it is safely stored.',
      operationId: 'postEvent',
      headers: IDEMPOTENCY_HEADER,
      body: PostedEvent,
      response: { 202: AcceptedEvent }
    }
  }, async (request, reply) => {
    const { body, credential } = request
    const { status, body: accepted, replayed } = await runIdempotently(database, {
      organizationId: credential.organizationId, operation: 'POST /api/events', key: idempotencyKey(request), input: body
    }, async (tx) => ({ status: 202, body: await postEvent(tx, credential.organizationId, credential.id, body) }))
    if (replayed) reply.header('idempotency-replayed', 'true')
    return await reply.code(status as 202).send(accepted)
  })
}
