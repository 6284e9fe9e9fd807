import { pageSchema } from '../../shared/pagination.js'
import { DecisionQuery, EventQuery, ExplainedEvent, FilterPreview, FilterPreviewRequest, ListedEvent, WebhookDecision, WebhookDecisionQuery } from '../../shared/event-history.js'
import { explainEvent, listDecisions, listEvents, previewFilter } from '../outbound/index.js'
import type { RouteContext } from './context.js'
import { idOf, IdParams } from './id-params.js'
import type { ZodApp } from './zod-app.js'

/** "Why did my Zap not fire?": events, what became of each for each webhook, and what a filter would do to them. */
export async function eventHistoryRoutes (app: ZodApp, { database }: Pick<RouteContext, 'database'>): Promise<void> {
  app.get('/api/events', {
    config: { scope: 'events:read' },
    schema: { tags: ['Events'], summary: 'List events', description: 'Newest first; by customer, event type and the time at which they were recorded. Each shows how its deliveries stand.', operationId: 'listEvents', querystring: EventQuery, response: { 200: pageSchema(ListedEvent) } }
  }, async ({ query, credential }) => await listEvents(database, credential, query))

  app.get('/api/events/:id', {
    config: { scope: 'events:read' },
    schema: { tags: ['Events'], summary: 'Read an event, and why each webhook did or did not fire', description: 'For each webhook the decision, its reason in words, and the facts: type not selected, filter not met (which path, which value), paused since, throttled until, delivered in 83 ms …', operationId: 'explainEvent', params: IdParams, querystring: DecisionQuery, response: { 200: ExplainedEvent } }
  }, async ({ params, query, credential }) => await explainEvent(database, credential, idOf(params), query))

  app.get('/api/webhooks/outbound/:id/decisions', {
    config: { scope: 'events:read' },
    schema: { tags: ['Outbound webhooks'], summary: 'Why a webhook did or did not fire', description: 'The organization\'s latest events, newest first, each with what became of it for this webhook and why. Of the event types that the webhook has selected, unless `event` asks for others.', operationId: 'listDecisions', params: IdParams, querystring: WebhookDecisionQuery, response: { 200: pageSchema(WebhookDecision) } }
  }, async ({ params, query, credential }) => await listDecisions(database, credential, idOf(params), query))

  app.post('/api/webhooks/filter-preview', {
    config: { scope: 'events:read' },
    schema: { tags: ['Outbound webhooks'], summary: 'Try a filter', description: 'Says which of the latest events would pass a filter, and which condition the others do not meet. Nothing is stored or sent.', operationId: 'previewFilter', body: FilterPreviewRequest, response: { 200: FilterPreview } }
  }, async ({ body, credential }) => await previewFilter(database, credential, body))
}
