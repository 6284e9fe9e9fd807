import { BEHIND_MAX, type DeliveryFacts, type Facts } from '../../server/outbound/history/decision-facts.js'
import { explain } from '../../server/outbound/history/explain.js'
import { Decision } from '../../shared/event-history.js'

const T1 = '2026-01-29T10:00:00.000Z'
const T2 = '2026-01-29T11:00:00.000Z'

const WEBHOOK: Facts['webhook'] = {
  id: '0198c4f2-6d1e-7a35-9b0c-3e5f7a9c1d24', name: 'Hook', kind: 'custom', active: true, disabled_reason: null, inactive_since: null, throttled_until: null, created_at: T1, deleted_at: null
}
const DELIVERY: DeliveryFacts = {
  id: '0198c4f2-6d1e-7a35-9b0c-3e5f7a9c1d25',
  status: 'pending',
  under_way: false,
  ordered: false,
  attempts: 0,
  last_error: null,
  response_status: null,
  unmet: null,
  delivered_at: null,
  next_attempt_at: T2,
  is_due: false,
  behind: 0,
  last_attempt: null
}
const TRIED = { attempts: 2, last_error: 'connection_failed', last_attempt: { at: T1, duration_ms: 12 } }

function said (delivery: Partial<DeliveryFacts> | null, webhook: Partial<Facts['webhook']> = {}, revision: Facts['revision'] = null): [code: string, sentence: string] {
  const decision = explain({ event: { id: '019c0932-1a80-7000-8000-5a9f1e6d2c31', type: 'task.created', is_test: false }, webhook: { ...WEBHOOK, ...webhook }, delivery: delivery && { ...DELIVERY, ...delivery }, revision })
  expect(Decision.safeParse(decision).error).toBeUndefined()
  return [decision.code, decision.sentence]
}

test.each<[Partial<DeliveryFacts>, Partial<Facts['webhook']>, code: string, sentence: string]>([
  [{}, {}, 'waiting', `Its first attempt is due at ${T2}.`],
  [{ is_due: true }, {}, 'waiting', `It is due since ${T2}, and goes out as soon as a worker is free.`],
  [TRIED, {}, 'waiting', `2 attempts failed, the last one at ${T1} (connection failed). The next one is due at ${T2}.`],
  [{ ...TRIED, is_due: true }, {}, 'waiting', `2 attempts failed, the last one at ${T1} (connection failed). It is due since ${T2}, and goes out as soon as a worker is free.`],
  [{ under_way: true }, { active: false }, 'under_way', 'It is being sent at this moment.'],
  [{ next_attempt_at: null, behind: BEHIND_MAX }, {}, 'queued', 'It waits its turn, behind at least 1,000 other deliveries: as many as the webhook takes are under way, or its rate limit is used up.'],
  [{ next_attempt_at: null }, { throttled_until: T2 }, 'throttled', `Its receiver asked to be left alone until ${T2}; then it goes on.`],
  // What is left over for a moment after its webhook was switched off or ended.
  [{}, { active: false, inactive_since: T1 }, 'held', `The webhook has been paused since ${T1}. The delivery is kept.`],
  [{}, { active: false, inactive_since: T1, disabled_reason: 'failing' }, 'held', `The webhook has been disabled since ${T1}. Every delivery to it has failed for 5 days. The delivery is kept.`],
  [{ status: 'held' }, { active: false, deleted_at: T2 }, 'cancelled', `The webhook ended at ${T2}, before this was delivered.`],
  [{ status: 'cancelled', ...TRIED }, { active: false, deleted_at: T2, disabled_reason: 'failing' }, 'cancelled', `The webhook ended at ${T2}, before this was delivered. Every delivery to it has failed for 5 days. 2 attempts failed, the last one at ${T1} (connection failed).`],
  [{ status: 'cancelled', attempts: 1, last_error: 'disabled_by_receiver', response_status: 200 }, { active: false, deleted_at: T2, disabled_reason: 'disabled_by_receiver' }, 'ended', `Its receiver asked to be sent no more (webhook-delivery: disable). With that the webhook ended at ${T2}.`],
  [{ status: 'dead_letter', attempts: 1, last_error: 'timeout', last_attempt: { at: T1, duration_ms: 15_000 } }, {}, 'dead_letter', `An attempt at ${T1} failed (timeout). It is a dead letter: it is tried again only when somebody redelivers it.`],
  [{ status: 'delivered', attempts: 1, response_status: 204, delivered_at: T2 }, {}, 'delivered', `It was delivered at ${T2}: the receiver answered 204.`]
])('%j of %j: %s', (delivery, webhook, code, sentence) => expect(said(delivery, webhook)).toEqual([code, sentence]))

test('of many selected event types, a few are named', () => {
  expect(said(null, {}, { events: ['a', 'b', 'c', 'd', 'e', 'f', 'g'], deleted: false })).toEqual(['not_selected', 'The webhook had not selected task.created, but a, b, c, d, e and 2 more.'])
})
