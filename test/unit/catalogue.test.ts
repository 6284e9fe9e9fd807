import { z } from 'zod'
import type { Change, ChangeContext, Row } from '../../shared/catalogue/change.js'
import { SAMPLE_SECRET, type ChangeSource } from '../../shared/catalogue/define-event.js'
import { actions, events, findEvent, postableEventNames } from '../../shared/catalogue/index.js'
import { legacySignedText } from '../../shared/envelope.js'
import { signLegacy } from '../../shared/signature.js'

const PRD_EVENTS = ['health_score.changed', 'customer.created', 'customer.updated', 'risk_signal.created', 'renewal.approaching', 'task.created', 'task.completed', 'approval.requested']

describe('the catalogue', () => {
  test('holds every event and action that the PRD asks for', () => {
    expect(events.map((event) => event.name)).toEqual(expect.arrayContaining(PRD_EVENTS))
    expect(actions.map((action) => action.name).sort()).toEqual(['add_stakeholder', 'create_customer', 'create_risk_signal', 'create_task', 'log_activity', 'update_customer', 'update_health_score'])
  })

  test('names and keys are unique', () => {
    expect(new Set(events.map((event) => event.name)).size).toBe(events.length)
    expect(new Set(events.map((event) => event.key)).size).toBe(events.length)
  })

  test('all may be posted but those that tell what we do ourselves', () => {
    expect(postableEventNames).toEqual(events.map((event) => event.name).filter((name) => name !== 'webhook.disabled'))
  })

  test('PRD fields are there', () => {
    const keys = (name: string) => Object.keys(findEvent(name)?.data.shape ?? {})
    expect(keys('health_score.changed')).toEqual(expect.arrayContaining(['customer_id', 'customer_name', 'previous_score', 'new_score', 'change', 'trend', 'csm_email']))
    expect(keys('risk_signal.created')).toEqual(expect.arrayContaining(['customer_id', 'customer_name', 'signal_type', 'severity', 'description', 'arr_at_risk']))
  })

  test.each(events.map((event) => [event.name, event] as const))('%s: every field has a title and a description, and the sample is signed', (_name, event) => {
    const schema = z.toJSONSchema(event.data) as { properties: Record<string, { title?: string, description?: string }> }
    for (const property of Object.values(schema.properties)) {
      expect(property.title).toMatch(/\S/)
      expect(property.description).toMatch(/\.$/)
    }
    const { id, timestamp, data, signature } = event.sample
    expect(Object.keys(data)).toEqual(Object.keys(event.data.shape))
    expect(signature).toBe(signLegacy(SAMPLE_SECRET, legacySignedText({ id, event: event.name, timestamp, dataJson: JSON.stringify(data) })))
  })

  test.each(actions.map((action) => [action.name, action] as const))('%s: every field has a title and a description', (_name, action) => {
    for (const schema of [z.toJSONSchema(action.input, { io: 'input' }), z.toJSONSchema(action.output)]) {
      for (const property of Object.values((schema as { properties: Record<string, { title?: string, description?: string }> }).properties)) {
        expect(property.title).toMatch(/\S/)
        expect(property.description).toMatch(/\S/)
      }
    }
  })
})

const at = '2026-01-29T10:00:00.000Z'
const customer: Row = { id: 'c1', name: 'Acme Corp', arr: 50000, csm_id: 'u1', segment: 'Enterprise' }
const context: ChangeContext = { customer, person: (id) => id === 'u1' ? { id: 'u1', email: 'csm@company.com', name: 'Dana' } : null }

/** Projects a change through the event's first source for the table, and checks the result against the schema. */
function project (name: string, change: Omit<Change, 'at'>, surroundings = context): Record<string, unknown> | null {
  const event = findEvent(name)
  const source = event?.sources.find((candidate): candidate is ChangeSource => candidate.kind === 'change' && candidate.table === change.table)
  if (!event || !source?.operations.includes(change.operation)) return null
  const data = source.project({ ...change, at }, surroundings)
  return data === null ? null : event.data.parse({ ...data, origin: 'cscx' })
}

const update = (table: string, old: Row, row: Row) => ({ table, operation: 'UPDATE' as const, old, new: row })
const insert = (table: string, row: Row) => ({ table, operation: 'INSERT' as const, old: null, new: row })

describe('projection', () => {
  const score = (previous: number | null, next: number | null) => update('customers', { ...customer, health_score: previous }, { ...customer, health_score: next })

  test('a falling score', () => {
    expect(project('health_score.changed', score(85, 62))).toMatchObject({ customer_name: 'Acme Corp', previous_score: 85, new_score: 62, change: -23, trend: 'declining', csm_email: 'csm@company.com' })
  })

  test('a score of 0 is a score; no score is none', () => {
    expect(project('health_score.changed', score(10, 0))).toMatchObject({ new_score: 0, change: -10 })
    expect(project('health_score.changed', score(null, 50))).toMatchObject({ previous_score: null, change: null, trend: 'stable' })
    expect(project('health_score.changed', score(50, null))).toBeNull()
    expect(project('health_score.changed', score(50, 50))).toBeNull()
  })

  test('critical is raised on the way down only', () => {
    expect(project('health_score.critical', score(45, 39))).toMatchObject({ new_score: 39, threshold: 40 })
    expect(project('health_score.critical', score(39, 30))).toBeNull()
    expect(project('health_score.critical', score(45, 40))).toBeNull()
  })

  test('an update of a customer tells which fields changed, and is silent about the score', () => {
    expect(project('customer.updated', update('customers', { ...customer, tier: 'Silver' }, { ...customer, tier: 'Gold', health_score: 3 }))).toMatchObject({ changed_fields: ['tier'] })
    expect(project('customer.updated', score(85, 62))).toBeNull()
  })

  test('ARR at risk is the signal\'s own, else the customer\'s', () => {
    const signal = { id: 'r1', customer_id: 'c1', signal_type: 'champion_left', severity: 'High' }
    expect(project('risk_signal.created', insert('risk_signals', signal))).toMatchObject({ arr_at_risk: 50000, severity: 'high' })
    expect(project('risk_signal.created', insert('risk_signals', { ...signal, metadata: { arr_at_risk: 0 } }))).toMatchObject({ arr_at_risk: 0 })
  })

  test('a task completes once', () => {
    const task = { id: 't1', customer_id: 'c1', title: 'Call' }
    expect(project('task.completed', update('tasks', { ...task, status: 'pending' }, { ...task, status: 'Completed' }))).toMatchObject({ completed_at: at, status: 'completed' })
    expect(project('task.completed', update('tasks', { ...task, status: 'completed' }, { ...task, status: 'completed', title: 'Called' }))).toBeNull()
    expect(project('task.completed', insert('tasks', { ...task, status: 'completed' }))).not.toBeNull()
  })

  test('an approval is requested, then decided', () => {
    const approval = { id: 'a1', user_id: 'u1', action_type: 'send_email', action_data: { customer_id: 'c1', subject: 'Renewal' }, status: 'pending' }
    expect(project('approval.requested', insert('approval_queue', approval))).toMatchObject({ customer_id: 'c1', description: 'Renewal', requested_by_email: 'csm@company.com' })
    expect(project('approval.completed', update('approval_queue', approval, { ...approval, status: 'modified', reviewed_at: '2026-01-29T09:00:00+00:00' }))).toMatchObject({ status: 'modified', decided_at: '2026-01-29T09:00:00.000Z' })
    expect(project('approval.completed', update('approval_queue', approval, { ...approval, action_type: 'x' }))).toBeNull()
  })

  test('a renewal is at risk when it becomes so', () => {
    const renewal = { id: 'n1', customer_id: 'c1', renewal_date: '2026-03-31', risk_level: 'medium' }
    expect(project('renewal.at_risk', update('renewals', renewal, { ...renewal, risk_level: 'High' }))).toMatchObject({ previous_risk_level: 'medium', renewal_date: '2026-03-31' })
    expect(project('renewal.at_risk', update('renewals', { ...renewal, risk_level: 'high' }, { ...renewal, risk_level: 'critical' }))).toBeNull()
  })

  test('escalation and meetings, however a deployment marks them', () => {
    const ticket = { id: 's1', customer_id: 'c1', title: 'Export fails', status: 'open' }
    expect(project('support_ticket.escalated', update('support_tickets', ticket, { ...ticket, escalated: true }))).toMatchObject({ subject: 'Export fails' })
    const meeting = { id: 'm1', customer_id: 'c1', title: 'QBR', status: 'scheduled', scheduled_at: '2026-02-12T15:00:00+00:00' }
    expect(project('meeting.scheduled', insert('meetings', meeting))).toMatchObject({ starts_at: '2026-02-12T15:00:00.000Z' })
    expect(project('meeting.completed', update('meetings', meeting, { ...meeting, status: 'completed' }))).not.toBeNull()
  })

  test('a row whose customer is unknown still makes an event', () => {
    const nobody: ChangeContext = { customer: null, person: () => null }
    expect(project('task.created', insert('tasks', { id: 't1', customer_id: 'gone', title: 'Call' }), nobody)).toMatchObject({ customer_id: 'gone', customer_name: null })
  })
})
