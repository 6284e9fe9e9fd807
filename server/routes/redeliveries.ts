import { PageQuery, pageSchema } from '../../shared/pagination.js'
import { CatchUp, Discarded, MissedDiscard, MissedQuery, MissedView, NewRedelivery, RedeliveryPreview, RedeliverySummary, RedeliveryView, StartedRedeliveries } from '../../shared/redelivery.js'
import { runIdempotently } from '../idempotency.js'
import { cancelRedelivery, discardMissed, getRedelivery, listRedeliveries, previewMissed, previewRedelivery, startCatchUp, startRedeliveries } from '../outbound/index.js'
import type { RouteContext } from './context.js'
import { idOf, IdParams } from './id-params.js'
import { idempotencyKey, IDEMPOTENCY_HEADER } from './idempotency-header.js'
import type { ZodApp } from './zod-app.js'

const tags = ['Redeliveries']
const read = { scope: 'webhooks:read' } as const
const write = { scope: 'webhooks:write' } as const

/** Redelivering many at a time, paced, and catching up on what a webhook missed. */
export async function redeliveryRoutes (app: ZodApp, context: RouteContext): Promise<void> {
  app.post('/api/redeliveries/preview', {
    config: read,
    schema: { tags, summary: 'Preview a redelivery', description: 'Says what starting it would do, and does nothing.', operationId: 'previewRedelivery', body: NewRedelivery, response: { 200: RedeliveryPreview } }
  }, async ({ body, credential }) => await previewRedelivery(context, credential, body))

  app.post('/api/redeliveries', {
    config: write,
    schema: {
      tags,
      summary: 'Redeliver many',
      description: 'Starts a redelivery for each webhook that has deliveries which the filter selects, so that none waits for another\'s receiver; none when nothing matches. It takes the deliveries that exist now, oldest first, at its pace, waits while more than 1,000 deliveries wait for the webhook, and goes on after a restart.',
      operationId: 'startRedelivery',
      headers: IDEMPOTENCY_HEADER,
      body: NewRedelivery,
      response: { 202: StartedRedeliveries }
    }
  }, async (request, reply) => {
    const { body, credential } = request
    const { body: started, replayed } = await runIdempotently(context.database, {
      organizationId: credential.organizationId, operation: 'POST /api/redeliveries', key: idempotencyKey(request), input: body
    }, async (tx) => ({ status: 202, body: { data: await startRedeliveries(tx, credential, body) } }))
    if (replayed) reply.header('idempotency-replayed', 'true')
    return await reply.code(202).send(started)
  })

  app.get('/api/redeliveries', {
    config: read,
    schema: { tags, summary: 'List redeliveries', operationId: 'listRedeliveries', querystring: PageQuery, response: { 200: pageSchema(RedeliverySummary) } }
  }, async ({ query, credential }) => await listRedeliveries(context, credential, query))

  app.get('/api/redeliveries/:id', {
    config: read,
    schema: { tags, summary: 'Progress of a redelivery', operationId: 'getRedelivery', params: IdParams, response: { 200: RedeliveryView } }
  }, async ({ params, credential }) => await getRedelivery(context, credential, idOf(params)))

  app.post('/api/redeliveries/:id/cancel', {
    config: write,
    schema: {
      tags,
      summary: 'Cancel a redelivery',
      description: 'What it has made due and nobody has tried yet goes back to what it was; of a redelivery of several statuses, to being a dead letter, unless it was delivered or filtered before. What was tried goes on. May be repeated.',
      operationId: 'cancelRedelivery',
      params: IdParams,
      response: { 200: RedeliveryView }
    }
  }, async ({ params, credential }) => await cancelRedelivery(context, credential, idOf(params)))

  missedRoutes(app, context)
}

/** What a webhook missed while it was paused, disabled or gone. */
function missedRoutes (app: ZodApp, context: RouteContext): void {
  app.get('/api/webhooks/outbound/:id/missed', {
    config: read,
    schema: {
      tags,
      summary: 'What a webhook has missed',
      description: 'What was held while it was paused or disabled and, for a Zapier subscription, events from while the one that it takes the place of had ended. What was acknowledged is left out.',
      operationId: 'previewMissed',
      params: IdParams,
      querystring: MissedQuery,
      response: { 200: MissedView }
    }
  }, async ({ params, query, credential }) => await previewMissed(context, credential, idOf(params), query))

  app.post('/api/webhooks/outbound/:id/catch-up', {
    config: write,
    schema: {
      tags,
      summary: 'Catch up',
      description: 'Delivers what the webhook has missed, oldest first, at a pace; an ordered webhook\'s all queue at once, since newer events would overtake them. While it runs, asking again only changes its pace. Ends when the webhook is switched off.',
      operationId: 'catchUp',
      params: IdParams,
      body: CatchUp,
      response: { 202: RedeliverySummary }
    }
  }, async ({ params, body: { per_second: perSecond, from }, credential }, reply) =>
    await reply.code(202).send(await startCatchUp(context, credential, idOf(params), { perSecond, from })))

  app.post('/api/webhooks/outbound/:id/missed/discard', {
    config: write,
    schema: { tags, summary: 'Discard what a webhook has missed', description: 'All of it, if it is no more than `count`; otherwise a `conflict`, and nothing.', operationId: 'discardMissed', params: IdParams, body: MissedDiscard, response: { 200: Discarded } }
  }, async ({ params, body: { count, to }, credential }) => await discardMissed(context, credential, idOf(params), count, to))
}
