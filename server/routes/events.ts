import { AcceptedEvent, acceptedEvent, PostedEvent, readPostedEvent } from '../capture/index.js'
import { runIdempotently } from '../idempotency.js'
import { recordEvents } from '../outbound/index.js'
import type { RouteContext } from './context.js'
import { idempotencyKey, IDEMPOTENCY_HEADER } from './idempotency-header.js'
import type { ZodApp } from './zod-app.js'

/** Events from producers that do not write to CSCX's database. */
export async function eventRoutes (app: ZodApp, { database, ingest }: RouteContext): Promise<void> {
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
    const key = idempotencyKey(request)
    if (key === undefined) {
      const event = readPostedEvent(credential.organizationId, credential.id, body)
      await ingest.post(event)
      return await reply.code(202).send(acceptedEvent(event))
    }
    const { status, body: accepted, replayed } = await runIdempotently(database, {
      organizationId: credential.organizationId, operation: 'POST /api/events', key, input: body
    }, async (tx) => {
      const event = readPostedEvent(credential.organizationId, credential.id, body)
      await recordEvents(tx, [event])
      return { status: 202, body: acceptedEvent(event) }
    })
    if (replayed) reply.header('idempotency-replayed', 'true')
    return await reply.code(status as 202).send(accepted)
  })
}
