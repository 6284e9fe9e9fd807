import { createHash, randomUUID } from 'node:crypto'
import type { Bundle } from 'zapier-platform-core'
import type { ActionDefinition } from '../../shared/catalogue/define-action.js'

/**
 * The `Idempotency-Key` of one call of an action.
 *
 * Zapier tells an action neither which run it belongs to nor whether it is a replay: `bundle.meta` holds no run id, and
 * its Zap id is promised for subscribe and unsubscribe only. So:
 * - an action that adds a record gets a hash of action, Zap (where known) and input. A replay repeats it, and is
 *   answered with the record already written. So is another run whose input is the same to the letter within the day
 *   for which the server remembers keys; mapping a field that differs (a time, an id) keeps such runs apart.
 * - an action that sets values gets a fresh key. Done twice it leaves the same state, while a remembered answer would
 *   swallow the way back: from 80 to 45 and, the same day, to 80 again.
 * - a test in the Zap editor gets a fresh key, since whoever presses the button again wants it done again.
 */
export function idempotencyKey (action: Pick<ActionDefinition, 'name'>, { meta }: Pick<Bundle, 'meta'>, input: Readonly<Record<string, unknown>>): string {
  // The bundle of a unit test or of `invoke` may come without meta, whatever its type says.
  const { isLoadingSample, zap } = (meta as Partial<Bundle['meta']> | undefined) ?? {}
  if (isLoadingSample || setsValues(action)) return randomUUID()
  return createHash('sha256').update(JSON.stringify([action.name, zap?.id ?? null, input])).digest('hex')
}

/** An action's name begins with its verb; `update` is the one that sets rather than adds. */
function setsValues ({ name }: Pick<ActionDefinition, 'name'>): boolean {
  return name.startsWith('update_')
}
