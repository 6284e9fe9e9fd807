import { DeadLetterQuery, DeadLetterSummary, DeliveryDetail, DeliveryQuery } from '../../shared/delivery.js'
import { pageSchema } from '../../shared/pagination.js'
import { DeadLetterDiscard, Discarded } from '../../shared/redelivery.js'
import { DeliveryView } from '../../shared/webhook.js'
import { countDeadLetters, discardDeadLetters, discardDelivery, getDelivery, listDeliveries, redeliver, retryNow } from '../outbound/index.js'
import type { RouteContext } from './context.js'
import { idOf, IdParams } from './id-params.js'
import type { ZodApp } from './zod-app.js'

const tags = ['Deliveries']
const read = { scope: 'webhooks:read' } as const
const write = { scope: 'webhooks:write' } as const
const PAGING = 'Newest first, with attempts shortened. A page costs a bounded time: with a filter it may hold fewer than `limit`, even none, while there are more. Only a `next_cursor` of null ends the list.'

/** What became of events: deliveries of all webhooks, and what can be done about one of them. */
export async function deliveryRoutes (app: ZodApp, context: RouteContext): Promise<void> {
  app.get('/api/deliveries', {
    config: read,
    schema: { tags, summary: 'List deliveries', description: PAGING, operationId: 'listDeliveries', querystring: DeliveryQuery, response: { 200: pageSchema(DeliveryView) } }
  }, async ({ query, credential }) => await listDeliveries(context, credential, query))

  app.get('/api/deliveries/:id', {
    config: read,
    schema: { tags, summary: 'Inspect a delivery', description: 'With all that is kept of its attempts.', operationId: 'getDelivery', params: IdParams, response: { 200: DeliveryDetail } }
  }, async ({ params, credential }) => await getDelivery(context, credential, idOf(params)))

  app.post('/api/deliveries/:id/redeliver', {
    config: write,
    schema: {
      tags,
      summary: 'Redeliver',
      description: 'Makes a delivery due again, whatever became of it: with a new retry schedule, and the same id. A `conflict` while it is being sent, and when its webhook is paused, disabled or deleted.',
      operationId: 'redeliver',
      params: IdParams,
      response: { 200: DeliveryDetail }
    }
  }, async ({ params, credential }) => await redeliver(context, credential, idOf(params)))

  app.post('/api/deliveries/:id/retry', {
    config: write,
    schema: {
      tags,
      summary: 'Retry now',
      description: 'Has a delivery that waits for its next attempt tried now, or as soon as its receiver\'s Retry-After allows. A `conflict` when it waits for none, is being sent, or must wait for older ones of an ordered webhook.',
      operationId: 'retryNow',
      params: IdParams,
      response: { 200: DeliveryDetail }
    }
  }, async ({ params, credential }) => await retryNow(context, credential, idOf(params)))

  app.post('/api/deliveries/:id/discard', {
    config: write,
    schema: { tags, summary: 'Discard a delivery', description: 'One that is a dead letter or held. It is kept for the record, and can be redelivered. May be repeated.', operationId: 'discardDelivery', params: IdParams, response: { 200: DeliveryDetail } }
  }, async ({ params, credential }) => await discardDelivery(context, credential, idOf(params)))

  deadLetterRoutes(app, context)
}

/** Deliveries that are out of attempts. */
function deadLetterRoutes (app: ZodApp, context: RouteContext): void {
  app.get('/api/dead-letters', {
    config: read,
    schema: { tags, summary: 'List dead letters', description: `Deliveries that are out of attempts. ${PAGING}`, operationId: 'listDeadLetters', querystring: DeadLetterQuery, response: { 200: pageSchema(DeliveryView) } }
  }, async ({ query, credential }) => await listDeliveries(context, credential, { ...query, status: ['dead_letter'] }))

  app.get('/api/dead-letters/summary', {
    config: read,
    schema: { tags, summary: 'Count dead letters', operationId: 'countDeadLetters', response: { 200: DeadLetterSummary } }
  }, async ({ credential }) => await countDeadLetters(context, credential))

  app.post('/api/dead-letters/discard', {
    config: write,
    schema: {
      tags,
      summary: 'Discard dead letters',
      description: 'All that the filter selects, if they are no more than `count`; otherwise a `conflict`, and none.',
      operationId: 'discardDeadLetters',
      body: DeadLetterDiscard,
      response: { 200: Discarded }
    }
  }, async ({ body, credential }) => await discardDeadLetters(context, credential, body))
}
