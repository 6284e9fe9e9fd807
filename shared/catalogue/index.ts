import { actions, type Action, type ActionName } from './actions/index.js'
import type { EventDefinition } from './define-event.js'
import { events } from './events/index.js'

export { actions, events }
export type { Action, ActionName, EventDefinition }

const eventsByName = new Map(events.map((event) => [event.name, event]))

/** Names of all event types, such as `health_score.changed`. */
export const eventNames = events.map((event) => event.name) as [string, ...string[]]

/** Names of the event types that a producer may post: all but those about what we do ourselves. */
export const postableEventNames = events.filter(({ sources }) => sources.every(({ kind }) => kind !== 'own')).map((event) => event.name) as [string, ...string[]]

export function findEvent (name: string): EventDefinition | undefined {
  return eventsByName.get(name)
}
