import { z } from 'zod'
import { PageQuery, pageSchema } from '../../shared/pagination.js'
import { CreatedWebhook, DeliveryStatus, DeliveryView, TestRequest, WebhookView } from '../../shared/webhook.js'
import { PublicKeySet, SecretRotation } from '../../shared/webhook-keys.js'
import { createWebhook, deleteWebhook, findPublicKeys, findWebhook, listLogs, listWebhooks, rotateSecret, testWebhook, updateWebhook, viewWebhook, webhookInput } from '../outbound/index.js'
import type { RouteContext } from './context.js'
import { idOf, IdParams } from './id-params.js'
import type { ZodApp } from './zod-app.js'

const tags = ['Outbound webhooks']
/** How long caches may keep public keys: a new key signs at once, but those so far sign beside it for longer than this, as a rule. */
const PUBLIC_KEYS_MAX_AGE_SECONDS = 300
const LogQuery = PageQuery.extend({ status: DeliveryStatus.optional().meta({ title: 'Status', description: 'Only deliveries with this status.' }) })

/** Configuration, test and delivery history of outbound webhooks: the PRD's "Outbound webhook configuration". */
export async function webhookRoutes (app: ZodApp, context: RouteContext): Promise<void> {
  const { NewWebhook, WebhookChanges } = webhookInput(context.urlPolicy)
  keyRoutes(app, context)

  app.post('/api/webhooks/outbound', {
    config: { scope: 'webhooks:write' },
    schema: { tags, summary: 'Create a webhook', operationId: 'createWebhook', body: NewWebhook, response: { 201: CreatedWebhook } }
  }, async ({ body, credential }, reply) => {
    const webhook = await createWebhook(context, credential, body)
    return await reply.code(201).header('location', `/api/webhooks/outbound/${webhook.id}`).send(webhook)
  })

  app.get('/api/webhooks/outbound', {
    config: { scope: 'webhooks:read' },
    schema: { tags, summary: 'List webhooks', operationId: 'listWebhooks', querystring: PageQuery, response: { 200: pageSchema(WebhookView) } }
  }, async ({ query, credential }) => await listWebhooks(context, credential, query))

  app.get('/api/webhooks/outbound/:id', {
    config: { scope: 'webhooks:read' },
    schema: { tags, summary: 'Read a webhook', operationId: 'getWebhook', params: IdParams, response: { 200: WebhookView } }
  }, async ({ params, credential }) => viewWebhook(context, await findWebhook(context, credential, idOf(params))))

  app.put('/api/webhooks/outbound/:id', {
    config: { scope: 'webhooks:write' },
    schema: { tags, summary: 'Change a webhook', description: 'Members left out stay as they are.', operationId: 'updateWebhook', params: IdParams, body: WebhookChanges, response: { 200: WebhookView } }
  }, async ({ params, body, credential }) => await updateWebhook(context, credential, idOf(params), body))

  app.delete('/api/webhooks/outbound/:id', {
    config: { scope: 'webhooks:write' },
    schema: { tags, summary: 'Delete a webhook', description: 'What still waits for it is cancelled.', operationId: 'deleteWebhook', params: IdParams, response: { 204: z.null() } }
  }, async ({ params, credential }, reply) => {
    await deleteWebhook(context, credential, idOf(params))
    return await reply.code(204).send(null)
  })

  app.post('/api/webhooks/outbound/:id/test', {
    config: { scope: 'webhooks:write' },
    schema: { tags, summary: 'Send a sample', description: 'Sends the sample of an event type once and answers with what came back.', operationId: 'testWebhook', params: IdParams, body: TestRequest, response: { 200: DeliveryView } }
  }, async ({ params, body, credential }) => await testWebhook(context, credential, idOf(params), body.event))

  app.get('/api/webhooks/outbound/:id/logs', {
    config: { scope: 'webhooks:read' },
    schema: { tags, summary: 'Delivery history', description: 'Deliveries with their attempts, newest first.', operationId: 'listWebhookLogs', params: IdParams, querystring: LogQuery, response: { 200: pageSchema(DeliveryView) } }
  }, async ({ params, query, credential }) => await listLogs(context, credential, idOf(params), query))
}

/** What signs, and what signatures are verified with. */
function keyRoutes (app: ZodApp, context: RouteContext): void {
  app.post('/api/webhooks/outbound/:id/rotate-secret', {
    config: { scope: 'webhooks:write' },
    schema: {
      tags,
      summary: 'Replace the signing secret',
      description: 'Also the ed25519 key, where there is one. Until the overlap is over, requests carry signatures by the old and the new: receivers can change over in their own time.',
      operationId: 'rotateSecret',
      params: IdParams,
      body: SecretRotation,
      response: { 200: CreatedWebhook }
    }
  }, async ({ params, body, credential }) => await rotateSecret(context, credential, idOf(params), body))

  app.get('/api/webhooks/outbound/:id/public-keys', {
    config: { scope: 'public' },
    schema: {
      tags,
      summary: 'Public keys',
      description: 'What v1a signatures are verified with, as a JWK Set (RFC 7517, RFC 8037), for receivers, which have no credentials. Keys that a rotation has replaced are among them until they expire.',
      operationId: 'getPublicKeys',
      params: IdParams,
      response: { 200: PublicKeySet }
    }
  }, async ({ params }, reply) => {
    const keys = await findPublicKeys(context, idOf(params))
    return await reply.header('cache-control', `public, max-age=${PUBLIC_KEYS_MAX_AGE_SECONDS}`).send(keys)
  })
}
