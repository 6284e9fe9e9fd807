import { composeRequest } from '../sending/compose.js'
import { decide, NO_TRACE, type AttemptResult, type Decision } from '../sending/outcome.js'
import type { Sender } from '../sending/sender.js'
import type { Feedback, Lane } from './lane.js'
import type { MadeAttempt } from './record-attempts.js'
import type { OpenWebhook } from './registry.js'
import type { TakenDelivery } from './taken.js'

/** A webhook that is over gets nothing more, until its end is recorded; its next version, if there is one, is let through. */
const ENDED_FOR_MS = 60_000

/** Makes the attempt for a delivery, whatever comes of it, and says what becomes of the delivery. */
export async function attemptDelivery (sender: Sender, webhook: OpenWebhook, delivery: TakenDelivery, schedule: readonly number[]): Promise<MadeAttempt> {
  const startedAt = Date.now()
  const { recipient } = webhook
  const request = recipient && composeRequest(delivery.event, delivery.id, recipient, Math.floor(startedAt / 1_000))
  const result: AttemptResult = request === undefined
    ? { kind: 'failure', error: 'secret_unreadable', detail: 'The webhook\'s secrets could not be decrypted', trace: NO_TRACE, durationMs: 0 }
    : await sender.send(request)
  const decision = decide(result, delivery, schedule, Date.now(), Math.random())
  return { delivery, webhook, startedAt, request, result, decision }
}

/** Tells a webhook's lane how its receiver does. */
export function tellLane (lane: Lane, { result, decision }: Pick<MadeAttempt, 'result' | 'decision'>, nowMs: number): void {
  lane.end(feedbackOf(result, decision), nowMs)
  if (decision.throttledForMs !== null) lane.block(nowMs + decision.throttledForMs)
  if (decision.status === 'end_webhook') lane.block(nowMs + ENDED_FOR_MS)
}

function feedbackOf (result: AttemptResult, decision: Decision): Feedback {
  if (result.kind === 'unsent' || (result.kind === 'failure' && result.error === 'timeout')) return 'timeout'
  if (decision.slowDown) return 'slow_down'
  return decision.status === 'delivered' ? 'success' : 'failure'
}
