import nock from 'nock'
import { actions } from '../../shared/catalogue/index.js'
import { pathFields } from '../../shared/catalogue/define-action.js'
import { members } from '../../zapier-app/src/members.js'
import { toRequestInput } from '../../zapier-app/src/input.js'
import { API, useApi } from './api.js'
import { ACCESS_TOKEN, actionOf, runCreate } from './app.js'

useApi()

interface Call {
  body: Record<string, unknown>
  raw: string
  idempotencyKey: string
}

/** Runs a create and returns what it sent. */
async function send (name: string, inputData: Record<string, unknown>, meta = {}, path = actionOf(name).path): Promise<Call> {
  let call: Call | undefined
  nock(API, { reqheaders: { authorization: `Bearer ${ACCESS_TOKEN}`, 'content-type': 'application/json' } })
    .intercept(path, actionOf(name).method)
    .reply(function (_uri, body) {
      call = { body: body as Record<string, unknown>, raw: JSON.stringify(body), idempotencyKey: String(this.req.headers['idempotency-key']) }
      return [201, actionOf(name).sample.output]
    })
  expect(await runCreate(name, inputData, meta)).toEqual(actionOf(name).sample.output)
  if (call === undefined) throw new TypeError('nothing was sent')
  return call
}

const TASK = { customer_id: 'c1', title: 'Call' }

test.each(actions.map((action) => [action.name, action] as const))('%s sends its sample as the server wants it, and returns the record', async (name, action) => {
  const input = action.sample.input as Record<string, unknown>
  const path = action.path.replace(/\{(\w+)\}/g, (_, key: string) => String(input[key]))
  const { body } = await send(name, input, {}, path)
  // Times go out in UTC; the instant is the same.
  const sent = JSON.parse(JSON.stringify(body).replaceAll('.000Z', 'Z'))
  expect(sent).toEqual(Object.fromEntries(Object.entries(input).filter(([key]) => !pathFields(action).includes(key))))
  expect(() => action.input.parse({ ...body, ...Object.fromEntries(pathFields(action).map((key) => [key, input[key]])) })).not.toThrow()
})

describe('input', () => {
  test('that is empty, or that the action does not know, is not sent', async () => {
    const { body } = await send('create_task', { ...TASK, description: '', priority: null, due_date: '  ', assignee_email: undefined, metadata: {}, gone_since_v2: 'x' })
    expect(body).toEqual(TASK)
  })

  test.each([
    ['create_customer', { name: 42 }, { name: '42' }],
    ['create_customer', { name: 'A', arr: '120000.50', employee_count: ' 12 ' }, { name: 'A', arr: 120000.5, employee_count: 12 }],
    ['create_customer', { name: 'A', arr: 0, health_score: '0' }, { name: 'A', arr: 0, health_score: 0 }],
    ['create_customer', { name: 'A', arr: 'a lot' }, { name: 'A', arr: 'a lot' }],
    ['create_customer', { name: 'A', renewal_date: '2026-06-30T23:00:00-05:00' }, { name: 'A', renewal_date: '2026-06-30' }],
    ['create_customer', { name: 'A', renewal_date: '2026-06-30' }, { name: 'A', renewal_date: '2026-06-30' }],
    ['create_task', { ...TASK, due_date: '2026-01-29T10:00:00+0100' }, { ...TASK, due_date: '2026-01-29T09:00:00.000Z' }],
    ['create_task', { ...TASK, due_date: '2026-01-29' }, { ...TASK, due_date: '2026-01-29' }],
    ['create_task', { ...TASK, due_date: 'some day' }, { ...TASK, due_date: 'some day' }],
    ['create_task', { ...TASK, due_date: '2026-01-29T10:00:00' }, { ...TASK, due_date: '2026-01-29T10:00:00' }],
    ['create_task', { ...TASK, metadata: { a: 'b', '': 'x', c: '', d: 1 } }, { ...TASK, metadata: { a: 'b', d: 1 } }],
    ['add_stakeholder', { name: 'S', is_champion: 'yes', is_primary: false, is_decision_maker: '0' }, { name: 'S', is_champion: true, is_primary: false, is_decision_maker: false }],
    ['add_stakeholder', { name: 'S', is_champion: 'perhaps' }, { name: 'S', is_champion: 'perhaps' }],
    ['log_activity', { activity_type: 'call', description: 'D', participants: ['Ann', '', 'Bob'] }, { activity_type: 'call', description: 'D', participants: ['Ann', 'Bob'] }],
    ['log_activity', { activity_type: 'call', description: 'D', participants: 'Ann' }, { activity_type: 'call', description: 'D', participants: ['Ann'] }],
    ['log_activity', { activity_type: 'call', description: 'D', participants: [''] }, { activity_type: 'call', description: 'D' }]
  ])('%s %j is sent as %j', (name, given, sent) => {
    expect(toRequestInput(members(actionOf(name).input, 'input'), given)).toEqual(sent)
  })

  test('text in curly braces arrives as it is', async () => {
    const title = 'Hi {{name}}, {{bundle.inputData.x}} {{process.env.CLIENT_SECRET}} {{{x}}} "{{'
    const { body } = await send('create_task', { customer_id: 'c1', title, metadata: { '{{key}}': '{{value}}' } })
    expect(body).toEqual({ customer_id: 'c1', title, metadata: { '{{key}}': '{{value}}' } })
  })
})

describe('a member of the path', () => {
  test('is encoded, and not repeated in the body', async () => {
    const { body } = await send('update_customer', { customer_id: 'a/b?c#d é', tier: 'Gold' }, {}, '/api/zapier/customers/a%2Fb%3Fc%23d%20%C3%A9')
    expect(body).toEqual({ tier: 'Gold' })
  })

  test.each([[{}, 'Customer ID (customer_id) is needed.'], [{ customer_id: '..' }, 'Customer ID (customer_id) cannot be “..”.']])('%j halts the run', async (input, message) => {
    await expect(runCreate('update_customer', { ...input, tier: 'Gold' })).rejects.toEqual(expect.objectContaining({ name: 'HaltedError', message }))
  })
})

describe('the idempotency key', () => {
  test('is the same for a replay', async () => {
    const { idempotencyKey } = await send('create_task', TASK)
    expect(idempotencyKey).toMatch(/^[0-9a-f]{64}$/)
    expect((await send('create_task', { ...TASK, description: '' })).idempotencyKey).toBe(idempotencyKey)
  })

  test('differs for other input, another action and another Zap', async () => {
    const keys = [
      await send('create_task', TASK),
      await send('create_task', { ...TASK, title: 'Call again' }),
      await send('create_risk_signal', TASK),
      await send('create_task', TASK, { zap: { id: '1' } }),
      await send('create_task', TASK, { zap: { id: '2' } })
    ].map((call) => call.idempotencyKey)
    expect(new Set(keys).size).toBe(keys.length)
  })

  test('tells texts apart that differ only in letters beyond Latin', async () => {
    const [first, second] = [await send('create_task', { ...TASK, title: '東京' }), await send('create_task', { ...TASK, title: '京都' })]
    expect(first.idempotencyKey).not.toBe(second.idempotencyKey)
  })

  test('is fresh for each test in the editor', async () => {
    const [first, second] = [await send('create_task', TASK, { isLoadingSample: true }), await send('create_task', TASK, { isLoadingSample: true })]
    expect(first.idempotencyKey).not.toBe(second.idempotencyKey)
  })

  test('is fresh for an action that sets values, so that a value can come back within the day', async () => {
    const score = { customer_id: 'c1', component: 'engagement', score: 45 }
    const [first, second] = [await send('update_health_score', score), await send('update_health_score', score)]
    expect(first.idempotencyKey).not.toBe(second.idempotencyKey)
  })
})
