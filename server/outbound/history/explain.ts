import type { Decision, DecisionCode, DecisionFacts } from '../../../shared/event-history.js'
import { DISABLED_SENTENCES } from '../../../shared/webhook-state.js'
import { describeCondition } from '../webhooks/describe-condition.js'
import { BEHIND_MAX, type DeliveryFacts, type Facts } from './decision-facts.js'

interface Reason {
  code: DecisionCode
  sentence: string
  facts: DecisionFacts
}

/** Event types that a sentence names. */
const TYPES_NAMED = 5

/** Says what became of an event for a webhook, and why. */
export function explain (known: Facts): Decision {
  const { webhook: { id, name, kind }, delivery } = known
  const { code, sentence, facts } = delivery === null ? withoutDelivery(known) : ofDelivery(known, delivery)
  return { webhook: { id, name, kind }, code, sentence, delivery_id: delivery?.id ?? null, facts }
}

/** Why there is no delivery: what the webhook asked for when the event was recorded. */
function withoutDelivery ({ event, webhook, revision }: Facts): Reason {
  if (revision === null) {
    return { code: 'created_later', sentence: `The webhook was created at ${webhook.created_at}, after the event was recorded.`, facts: { created_at: webhook.created_at } }
  }
  if (revision.deleted && webhook.deleted_at !== null) {
    return { code: 'ended_before', sentence: `The webhook had ended at ${webhook.deleted_at}, before the event was recorded.`, facts: { ended_at: webhook.deleted_at, disabled_reason: webhook.disabled_reason } }
  }
  if (!revision.events.includes(event.type)) {
    return { code: 'not_selected', sentence: `The webhook had not selected ${event.type}, but ${typesInWords(revision.events)}.`, facts: { selected_events: revision.events } }
  }
  return {
    code: 'not_recorded',
    sentence: 'There is no delivery on record: the webhook was being changed as the event was recorded, or the delivery is not kept any more.',
    facts: { selected_events: revision.events }
  }
}

function ofDelivery (known: Facts, delivery: DeliveryFacts): Reason {
  const { webhook } = known
  const { status } = delivery
  const tried = triedFacts(delivery)
  if (status === 'delivered') return delivered(delivery)
  if (status === 'filtered' && delivery.unmet !== null) {
    return { code: 'filtered', sentence: `The webhook's filter held it back: ${describeCondition(delivery.unmet)}.`, facts: { unmet: delivery.unmet } }
  }
  if (status === 'dead_letter') {
    return { code: 'dead_letter', sentence: `${failed(delivery)} It is a dead letter: it is tried again only when somebody redelivers it.`, facts: tried }
  }
  if (status === 'discarded') {
    const sentence = known.event.is_test ? `${failed(delivery)} It was a test, which is made once.` : 'It was discarded: somebody decided that it need not be delivered.'
    return { code: 'discarded', sentence, facts: tried }
  }
  if (delivery.under_way) return { code: 'under_way', sentence: 'It is being sent at this moment.', facts: tried }
  // What is left over of a webhook that has ended or was switched off is cancelled or held soon: so it counts as that.
  if (status === 'cancelled' || webhook.deleted_at !== null) return ended(known, delivery)
  if (status === 'held' || !webhook.active) return held(known, delivery)
  return waiting(known, delivery)
}

/** What attempts tell; nothing before the first. */
function triedFacts ({ attempts, last_error: lastError, response_status: responseStatus, last_attempt: lastAttempt }: DeliveryFacts): DecisionFacts {
  if (attempts === 0) return { attempts }
  return {
    attempts,
    last_error: lastError,
    response_status: responseStatus,
    ...(lastAttempt ? { last_attempt_at: lastAttempt.at, duration_ms: lastAttempt.duration_ms } : {})
  }
}

function delivered (delivery: DeliveryFacts): Reason {
  const { attempts, delivered_at: at, response_status: status, last_attempt: lastAttempt } = delivery
  const duration = lastAttempt === null ? '' : ` in ${lastAttempt.duration_ms} ms`
  const tries = attempts > 1 ? `, at attempt ${attempts}` : ''
  return {
    code: 'delivered',
    sentence: `It was delivered at ${at}${duration}: the receiver answered ${status}${tries}.`,
    facts: { ...triedFacts(delivery), ...(at === null ? {} : { delivered_at: at }) }
  }
}

/** The attempts that failed, as a sentence. */
function failed ({ attempts, last_error: lastError, last_attempt: lastAttempt }: DeliveryFacts): string {
  const when = lastAttempt === null ? '' : ` at ${lastAttempt.at}`
  return `${attempts === 1 ? `An attempt${when} failed` : `${attempts} attempts failed, the last one${when}`} (${errorInWords(lastError)}).`
}

/** A word for what went wrong, as an attempt has it, in words: `HTTP 500`, `connection failed`. */
function errorInWords (error: string | null): string {
  return (error ?? 'unknown').replace(/^http_/, 'HTTP ').replaceAll('_', ' ')
}

function ended ({ webhook }: Facts, delivery: DeliveryFacts): Reason {
  const { last_error: lastError } = delivery
  const facts = { ...triedFacts(delivery), disabled_reason: webhook.disabled_reason, ...(webhook.deleted_at === null ? {} : { ended_at: webhook.deleted_at }) }
  const at = webhook.deleted_at === null ? '' : ` at ${webhook.deleted_at}`
  if (lastError === 'gone' || lastError === 'disabled_by_receiver') {
    return { code: 'ended', sentence: `${DISABLED_SENTENCES[lastError]} With that the webhook ended${at}.`, facts }
  }
  const before = delivery.attempts === 0 ? '' : ` ${failed(delivery)}`
  const why = webhook.disabled_reason === null ? '' : ` ${DISABLED_SENTENCES[webhook.disabled_reason]}`
  return { code: 'cancelled', sentence: `The webhook ended${at}, before this was delivered.${why}${before}`, facts }
}

function held ({ webhook }: Facts, delivery: DeliveryFacts): Reason {
  const { inactive_since: since, disabled_reason: reason } = webhook
  const facts = { ...triedFacts(delivery), inactive_since: webhook.active ? null : since, disabled_reason: reason }
  if (webhook.active) {
    return { code: 'held', sentence: 'It happened while the webhook was switched off, and is kept: it goes out when somebody has what was missed delivered.', facts }
  }
  const why = reason === null ? `The webhook has been paused since ${since}.` : `The webhook has been disabled since ${since}. ${DISABLED_SENTENCES[reason]}`
  return { code: 'held', sentence: `${why} The delivery is kept.`, facts }
}

function waiting ({ webhook }: Facts, delivery: DeliveryFacts): Reason {
  const { behind, ordered, next_attempt_at: next, is_due: isDue } = delivery
  const before = delivery.attempts === 0 ? '' : `${failed(delivery)} `
  const tried = triedFacts(delivery)
  if (webhook.throttled_until !== null) {
    return { code: 'throttled', sentence: `${before}Its receiver asked to be left alone until ${webhook.throttled_until}; then it goes on.`, facts: { ...tried, throttled_until: webhook.throttled_until } }
  }
  if (next === null) {
    const others = behind === 0 ? 'next in line' : `behind ${behind === BEHIND_MAX ? 'at least ' : ''}${behind.toLocaleString('en')} ${behind === 1 ? 'other delivery' : 'other deliveries'}`
    const why = ordered ? 'deliveries of this webhook come one after the other' : 'as many as the webhook takes are under way, or its rate limit is used up'
    return { code: 'queued', sentence: `${before}It waits its turn, ${others}: ${why}.`, facts: { ...tried, behind, ordered } }
  }
  const when = isDue ? `It is due since ${next}, and goes out as soon as a worker is free.` : `The next one is due at ${next}.`
  return { code: 'waiting', sentence: before === '' && !isDue ? `Its first attempt is due at ${next}.` : before + when, facts: { ...tried, next_attempt_at: next } }
}

function typesInWords (types: readonly string[]): string {
  const named = types.slice(0, TYPES_NAMED).join(', ')
  return types.length > TYPES_NAMED ? `${named} and ${types.length - TYPES_NAMED} more` : `only ${named}`
}
