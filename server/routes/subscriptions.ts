import { z } from 'zod'
import { CreatedSubscription } from '../../shared/webhook.js'
import { subscribe, unsubscribe, webhookInput } from '../outbound/index.js'
import type { RouteContext } from './context.js'
import { idOf, IdParams } from './id-params.js'
import type { ZodApp } from './zod-app.js'

const tags = ['Zapier']

/** REST Hooks: a Zap that is switched on subscribes, one that is switched off unsubscribes. */
export async function subscriptionRoutes (app: ZodApp, context: RouteContext): Promise<void> {
  const { NewSubscription } = webhookInput(context.urlPolicy)
  app.post('/api/zapier/subscribe', {
    config: { scope: 'webhooks:write' },
    schema: { tags, summary: 'Subscribe to an event type', operationId: 'subscribe', body: NewSubscription, response: { 201: CreatedSubscription } }
  }, async ({ body, credential }, reply) => await reply.code(201).send(await subscribe(context, credential, body)))

  app.delete('/api/zapier/unsubscribe/:id', {
    config: { scope: 'webhooks:write' },
    schema: { tags, summary: 'End a subscription', description: 'May be repeated.', operationId: 'unsubscribe', params: IdParams, response: { 204: z.null() } }
  }, async ({ params, credential }, reply) => {
    await unsubscribe(context, credential, idOf(params))
    return await reply.code(204).send(null)
  })
}
