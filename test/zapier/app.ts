import * as core from 'zapier-platform-core'
import type { Bundle, CreatePerform } from 'zapier-platform-core'
import { actions, findEvent, type EventDefinition } from '../../shared/catalogue/index.js'
import type { ActionDefinition } from '../../shared/catalogue/define-action.js'
import { app } from '../../zapier-app/src/index.js'

export const ACCESS_TOKEN = 'access-token-of-a-user'
export const authData = { access_token: ACCESS_TOKEN, refresh_token: 'refresh-token-of-a-user' }

/** Calls a function of the app as Zapier does, with middlewares and checks of results. */
export const appTester = core.createAppTester(app)

/** What `zapier-platform validate` runs; the package's types leave it out. */
export function validateDefinition (): Promise<{ results: unknown[] }> {
  const { createAppHandler } = core as unknown as { createAppHandler: (definition: object) => (event: object) => Promise<{ results: unknown[] }> }
  return createAppHandler(app)({ command: 'validate' })
}

export function eventOf (name: string): EventDefinition {
  const event = findEvent(name)
  if (event === undefined) throw new TypeError(`There is no event ${name}`)
  return event
}

export function actionOf (name: string): ActionDefinition {
  const action: ActionDefinition | undefined = actions.find((candidate) => candidate.name === name)
  if (action === undefined) throw new TypeError(`There is no action ${name}`)
  return action
}

type Perform = (z: core.ZObject, bundle: Bundle) => Promise<unknown>

/** The functions of an event's trigger. */
export function hookOf (name: string) {
  return app.triggers[eventOf(name).key]?.operation as Record<'perform' | 'performList' | 'performSubscribe' | 'performUnsubscribe', Perform>
}

/** Runs a create with the given input, as the user of {@link authData}. */
export function runCreate (name: string, inputData: Record<string, unknown>, meta: Partial<Bundle['meta']> = {}): Promise<unknown> {
  return appTester(app.creates[name]?.operation.perform as CreatePerform, { authData, inputData, meta })
}
