import { z } from 'zod'
import { actions, events, findEvent, type Action, type EventDefinition } from '../../shared/catalogue/index.js'
import { Envelope } from '../../shared/envelope.js'
import { pageSchema, PageQuery } from '../../shared/pagination.js'
import { availability } from '../capture/index.js'
import { actionTable } from '../cscx/actions/index.js'
import type { CscxTables } from '../cscx/tables.js'
import { listSamples } from '../outbound/index.js'
import { ApiProblem } from '../problem.js'
import type { RouteContext } from './context.js'
import type { ZodApp } from './zod-app.js'

const tags = ['Zapier']
const JsonObject = z.record(z.string(), z.unknown())
const common = {
  key: z.string(),
  label: z.string(),
  noun: z.string(),
  description: z.string(),
  available: z.boolean().meta({ description: 'Whether this CSCX database has the tables and columns for it.' }),
  unavailable_reason: z.string().nullable()
}
const TriggerView = z.object({ ...common, event: z.string(), schema: JsonObject, sample: Envelope })
const ActionView = z.object({ ...common, method: z.string(), path: z.string(), scope: z.string(), schema: JsonObject, output_schema: JsonObject, sample: JsonObject, sample_output: JsonObject })

/** What there is: triggers (event types) and actions, each with JSON Schema and sample, derived from the catalogue. */
export async function catalogueRoutes (app: ZodApp, { database, schema }: RouteContext): Promise<void> {
  app.get('/api/zapier/triggers', {
    config: { scope: 'any' },
    schema: { tags, summary: 'List triggers', operationId: 'listTriggers', response: { 200: pageSchema(TriggerView) } }
  }, async () => ({ data: events.map((event) => viewTrigger(event, schema.current())), next_cursor: null }))

  app.get('/api/zapier/actions', {
    config: { scope: 'any' },
    schema: { tags, summary: 'List actions', operationId: 'listActions', response: { 200: pageSchema(ActionView) } }
  }, async () => ({ data: actions.map((action) => viewAction(action, schema.current())), next_cursor: null }))

  app.get('/api/zapier/triggers/:event/samples', {
    config: { scope: 'events:read' },
    schema: {
      tags,
      summary: 'Samples of an event type',
      description: 'The newest events of the organization in exactly the shape of a webhook\'s body; the catalogue\'s sample while there are none.',
      operationId: 'listSamples',
      params: z.object({ event: z.string().meta({ description: 'Name of the event type, such as health_score.changed.' }) }),
      querystring: PageQuery.pick({ limit: true }),
      response: { 200: pageSchema(Envelope) }
    }
  }, async ({ params, query, credential }) => {
    const definition = findEvent(params.event)
    if (!definition) throw new ApiProblem('not_found', 'There is no such event type')
    return { data: await listSamples(database, credential.organizationId, definition, query.limit), next_cursor: null }
  })
}

/** The JSON Schema of a whole webhook body: the envelope around the event type's data. */
function bodySchema (event: EventDefinition): Record<string, unknown> {
  return z.toJSONSchema(Envelope.extend({ event: z.literal(event.name), data: event.data }))
}

function viewTrigger (event: EventDefinition, tables: CscxTables): z.infer<typeof TriggerView> {
  const { reason } = availability(event, tables)
  return {
    key: event.key,
    event: event.name,
    label: event.label,
    noun: event.noun,
    description: event.description,
    available: reason === undefined,
    unavailable_reason: reason ?? null,
    schema: bodySchema(event),
    sample: event.sample
  }
}

function viewAction (action: Action, tables: CscxTables): z.infer<typeof ActionView> {
  const found = actionTable(tables, action)
  return {
    key: action.name,
    label: action.label,
    noun: action.noun,
    description: action.description,
    available: 'table' in found,
    unavailable_reason: 'reason' in found ? found.reason : null,
    method: action.method,
    path: action.path,
    scope: action.scope,
    schema: z.toJSONSchema(action.input, { io: 'input' }),
    output_schema: z.toJSONSchema(action.output),
    sample: action.sample.input,
    sample_output: action.sample.output
  }
}
