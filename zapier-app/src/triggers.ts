import * as zod from 'zod'
import { defineTrigger, type Bundle, type Trigger, type ZObject } from 'zapier-platform-core'
import { events, type EventDefinition } from '../../shared/catalogue/index.js'
import { Envelope } from '../../shared/envelope.js'
import { readAnswer } from './answer.js'
import { apiUrl } from './api.js'
import { outputFields } from './fields.js'
import { readHook, SubscribeData } from './hook.js'
import { members } from './members.js'
import { withPlainErrors } from './plain-errors.js'
import { throwForProblem } from './problem.js'
import { jsonBody } from './request.js'

/** How many samples the Zap editor offers to choose from. */
const SAMPLES = 3

/** Subscribes the Zap. The secret is required: without it later hooks could not be verified. */
async function subscribe (z: ZObject, bundle: Bundle, event: EventDefinition) {
  const response = await z.request({
    url: apiUrl('/api/zapier/subscribe'),
    method: 'POST',
    ...jsonBody({ event: event.name, target_url: bundle.targetUrl })
  })
  return readAnswer(z, SubscribeData.required(), response.data, 'a subscription')
}

/** Ends the subscription. One that is already gone is as good. */
async function unsubscribe (z: ZObject, bundle: Bundle) {
  const subscription = SubscribeData.safeParse(bundle.subscribeData)
  if (!subscription.success) return {}
  const response = await z.request({
    url: apiUrl(`/api/zapier/unsubscribe/${encodeURIComponent(subscription.data.id)}`),
    method: 'DELETE',
    skipThrowForStatus: true
  })
  if (response.status !== 404) throwForProblem(response, z)
  return {}
}

/** Recent events, or the catalogue's sample where there are none; the same shape as a hook. */
async function listSamples (z: ZObject, event: EventDefinition): Promise<Envelope[]> {
  const response = await z.request({
    url: apiUrl(`/api/zapier/triggers/${encodeURIComponent(event.name)}/samples`),
    params: { limit: SAMPLES }
  })
  return readAnswer(z, zod.object({ data: zod.array(Envelope.extend({ event: zod.literal(event.name) })) }), response.data, 'samples').data
}

/** The REST-hook trigger of one event type. Its items are whole envelopes, whether they come from a hook or from samples. */
export function eventTrigger (event: EventDefinition): Trigger {
  return defineTrigger({
    key: event.key,
    noun: event.noun,
    display: { label: event.label, description: event.description },
    operation: {
      type: 'hook',
      performSubscribe: withPlainErrors((z, bundle) => subscribe(z, bundle, event)),
      performUnsubscribe: withPlainErrors(unsubscribe),
      perform: withPlainErrors((z, bundle) => {
        // Without any request there is no hook to read: `zapier-platform invoke trigger` and tests in the editor call it so.
        const isHook = bundle.rawRequest != null || bundle.cleanedRequest != null
        return isHook ? [readHook(z, bundle, event)] : listSamples(z, event)
      }),
      performList: withPlainErrors((z) => listSamples(z, event)),
      sample: event.sample,
      outputFields: [
        ...outputFields(members(Envelope.omit({ data: true }), 'output')),
        ...outputFields(members(event.data, 'output'), 'data')
      ]
    }
  })
}

/** A trigger for every event type of the catalogue, by key. */
export const triggers: Record<string, Trigger> = Object.fromEntries(events.map((event) => [event.key, eventTrigger(event)]))
