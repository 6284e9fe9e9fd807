import type { Sender } from '../../../server/outbound/index.js'
import { requestsTo, type Target } from '../engine.js'
import type { BenchEvent } from '../payload.js'
import type { Result } from './contender.js'

/**
 * Sends a queue's job the way the engine does: composed, signed and sent by the same code, over as many connections. What
 * is known of a webhook is kept in memory, as the engine keeps it.
 */
export function jobSender (sender: Sender, targets: readonly Target[], onSent: () => void): (event: BenchEvent) => Promise<Result> {
  const requests = new Map(targets.map((target) => [target.organizationId, requestsTo(target)]))
  return async (event) => {
    const compose = requests.get(event.organizationId)
    if (compose === undefined) throw new Error(`Nobody wants events of ${event.organizationId}`)
    const result = await sender.send(compose(event, event.id))
    onSent()
    // The queue tries again what throws.
    if (result.kind !== 'response' || result.status >= 300) throw new Error(`Not delivered: ${JSON.stringify(result)}`)
    return { status: result.status, durationMs: result.durationMs }
  }
}
