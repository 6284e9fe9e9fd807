import { actions } from '../../shared/catalogue/actions/index.js'
import { connect } from '../../server/db/client.js'
import { runAction } from '../../server/inbound/index.js'
import { ACME, actionOf, customer, DANA, DEMO, pointers, workbench, type Workbench } from './actions-workbench.js'

let bench: Workbench

beforeAll(async () => { bench = await workbench() })
afterAll(async () => await bench.drop())

async function rowOf (table: string, id: unknown) {
  const [found] = await bench.sql<Array<{ row: Record<string, unknown> }>>`select to_jsonb(t) as row from ${bench.sql(table)} t where id = ${String(id)}`
  return found?.row ?? {}
}

test.each(actions.map((action) => [action.name, action] as const))('%s takes its own sample', async (name, action) => {
  const input: Record<string, unknown> = { ...action.sample.input }
  // The demo has an Acme Corp, which the other samples find by its name.
  if (name === 'create_customer') input['name'] = 'Sample Corp'
  if ('customer_id' in input) input['customer_id'] = ACME
  if ('assignee_email' in input) input['assignee_email'] = 'dana.reyes@demo.example'
  const { status, body } = await bench.run(name, input)
  expect(status).toBe(action.method === 'POST' ? 201 : 200)
  expect(Object.keys(body)).toEqual(Object.keys(action.sample.output))
})

describe('create_customer', () => {
  test('writes every field to its column', async () => {
    const { body } = await bench.run('create_customer', {
      name: '  Duff Brewing ',
      domain: 'duff.example',
      industry: 'Food',
      segment: 'SMB',
      tier: 'Silver',
      stage: 'Onboarding',
      status: 'trial',
      arr: 12345.67,
      health_score: 0,
      renewal_date: '2027-02-28',
      csm_email: 'DANA.REYES@demo.example',
      employee_count: 12,
      external_id: 'CRM-1',
      external_source: 'hubspot',
      metadata: { plan: 'x', seats: 3, beta: true, note: null }
    })
    expect(body).toMatchObject({ name: 'Duff Brewing', arr: 12345.67, health_score: 0, renewal_date: '2027-02-28', csm_email: 'dana.reyes@demo.example', status: 'trial' })
    expect(await rowOf('customers', body['id'])).toMatchObject({
      organization_id: DEMO,
      name: 'Duff Brewing',
      domain: 'duff.example',
      industry: 'Food',
      segment: 'SMB',
      tier: 'Silver',
      stage: 'Onboarding',
      status: 'trial',
      arr: 12345.67,
      health_score: 0,
      renewal_date: '2027-02-28',
      csm_id: DANA,
      csm_name: 'Dana Reyes',
      employee_count: 12,
      external_id: 'CRM-1',
      external_source: 'hubspot',
      metadata: { plan: 'x', seats: 3, beta: true, note: null }
    })
  })

  test('leaves the database its defaults', async () => {
    const { body } = await bench.run('create_customer', { name: 'Bare' })
    expect(body).toMatchObject({ name: 'Bare', status: 'active', arr: null, health_score: null, csm_email: null })
    expect(await rowOf('customers', body['id'])).toMatchObject({ metadata: {}, created_at: expect.any(String), updated_at: expect.any(String) })
  })

  test.each(['nobody@demo.example', 'tom.brandt@northwind.example'])('does not know %s as a manager', async (email) => {
    const problem = await bench.refuse('create_customer', { name: 'X', csm_email: email })
    expect(problem.code).toBe('validation_failed')
    expect(problem.errors).toEqual([{ pointer: '/csm_email', detail: 'No active user of the organization has this e-mail address', code: 'unknown_user' }])
  })

  test('does not know a deactivated member', async () => {
    await bench.sql`insert into user_profiles (id, email) values ('a0000000-0000-4000-8000-0000000000aa', 'gone@demo.example')`
    await bench.sql`insert into org_members (organization_id, user_id, status) values (${DEMO}, 'a0000000-0000-4000-8000-0000000000aa', 'deactivated')`
    expect(pointers(await bench.refuse('create_customer', { name: 'X', csm_email: 'gone@demo.example' }))).toEqual(['/csm_email'])
  })
})

describe('update_customer', () => {
  test('changes what is given and nothing else', async () => {
    const before = await rowOf('customers', customer(2))
    const { status, body } = await bench.run('update_customer', { customer_id: customer(2), tier: 'Platinum', health_score: 0 })
    expect(status).toBe(200)
    expect(body).toMatchObject({ id: customer(2), tier: 'Platinum', health_score: 0, csm_email: 'dana.reyes@demo.example' })
    const { updated_at: updatedAt, ...after } = await rowOf('customers', customer(2))
    expect(after).toEqual({ ...Object.fromEntries(Object.entries(before).filter(([name]) => name !== 'updated_at')), tier: 'Platinum', health_score: 0 })
    expect(updatedAt).not.toBe(before['updated_at'])
  })

  test('merges the metadata exactly', async () => {
    await bench.sql`update customers set metadata = '{"kept": 12345678901234567890, "plan": "a"}' where id = ${customer(3)}`
    await bench.run('update_customer', { customer_id: customer(3), metadata: { plan: 'b', more: true } })
    const [row] = await bench.sql`select metadata::text from customers where id = ${customer(3)}`
    expect(row?.['metadata']).toBe('{"kept": 12345678901234567890, "more": true, "plan": "b"}')
  })

  test('two at once keep each other\'s metadata', async () => {
    const pairs = Array.from({ length: 8 }, (_, index) => ({ [`k${index}`]: index }))
    await Promise.all(pairs.map(async (metadata) => await bench.run('update_customer', { customer_id: customer(4), metadata })))
    expect((await rowOf('customers', customer(4)))['metadata']).toEqual(Object.assign({}, ...pairs))
  })

  test.each([customer(21), customer(99), 'cust_123', 'null'])('does not find %s', async (id) => {
    const problem = await bench.refuse('update_customer', { customer_id: id, tier: 'Gold' })
    expect(problem.code).toBe('not_found')
    expect((await rowOf('customers', customer(21)))['tier']).toBe('Silver')
  })
})

test('however fields are combined, few statements are prepared', async () => {
  const database = connect(bench.url, 1)
  try {
    const fields = Object.entries({ domain: 'd', industry: 'i', segment: 's', tier: 't', stage: 'g', arr: 1, renewal_date: '2027-01-01', external_id: 'e' })
    for (let combination = 1; combination < 2 ** fields.length; combination += 5) {
      const input = Object.fromEntries(fields.filter((_, index) => combination & 2 ** index))
      await runAction(database, bench.schema, { organizationId: DEMO, actorId: 'k', origin: 'zapier', action: actionOf('update_customer'), input: { ...input, customer_id: customer(9) } })
      await runAction(database, bench.schema, { organizationId: DEMO, actorId: 'k', origin: 'zapier', action: actionOf('create_customer'), input: { ...input, name: 'x' } })
    }
    const [prepared] = await database.sql`select count(*)::int as n from pg_prepared_statements`
    expect(prepared?.['n']).toBeLessThan(10)
  } finally {
    await database.close()
  }
})

test('add_stakeholder writes every field, and Other where a role is required', async () => {
  const { body } = await bench.run('add_stakeholder', {
    domain: 'globex.example',
    name: 'Lee Chen',
    email: 'lee@globex.example',
    phone: '+41 1',
    title: 'CTO',
    is_decision_maker: true,
    sentiment: 'positive',
    linkedin_url: 'https://linkedin.com/in/lee'
  })
  expect(body).toMatchObject({ customer_id: customer(2), customer_name: 'Globex', role: 'Other', title: 'CTO' })
  expect(await rowOf('stakeholders', body['id'])).toMatchObject({
    organization_id: DEMO, customer_id: customer(2), email: 'lee@globex.example', phone: '+41 1', role: 'Other', is_champion: false, is_decision_maker: true, is_primary: false, sentiment: 'positive', linkedin_url: 'https://linkedin.com/in/lee', metadata: {}
  })
})

describe('log_activity', () => {
  test('keeps a type that CSCX does not know in the metadata', async () => {
    const { body } = await bench.run('log_activity', {
      customer_id: ACME,
      activity_type: 'support_call',
      description: 'Customer called about billing issue',
      subject: 'Billing',
      occurred_at: '2026-01-29T11:00:00+02:00',
      outcome: 'Resolved',
      participants: ['Ann "A." Lee', 'bob@acme.com', 'a,b{c}'],
      metadata: { source: 'zendesk', ticket_id: '12345' }
    })
    expect(body).toMatchObject({ activity_type: 'support_call', stored_type: 'call', occurred_at: '2026-01-29T09:00:00.000Z' })
    expect(await rowOf('customer_activities', body['id'])).toMatchObject({
      organization_id: DEMO,
      customer_id: ACME,
      type: 'call',
      csm_id: DANA,
      timestamp: '2026-01-29T09:00:00+00:00',
      outcome: 'Resolved',
      participants: ['Ann "A." Lee', 'bob@acme.com', 'a,b{c}'],
      source: 'zapier',
      metadata: { source: 'zendesk', ticket_id: '12345', activity_type: 'support_call', subject: 'Billing' }
    })
  })

  test('says where it came from when nobody manages the customer', async () => {
    const { body: created } = await bench.run('create_customer', { name: 'Unmanaged' })
    const { body } = await bench.run('log_activity', { customer_id: created['id'], activity_type: 'note', description: 'x' })
    expect(await rowOf('customer_activities', body['id'])).toMatchObject({ csm_id: 'zapier', type: 'note', metadata: {} })
  })
})

test('create_task assigns, and takes a day or a moment', async () => {
  const { body } = await bench.run('create_task', { external_id: 'CRM-10001', title: 'Call', description: 'Why', priority: 'urgent', due_date: '2026-02-12', assignee_email: 'dana.reyes@demo.example' })
  expect(body).toMatchObject({ customer_name: 'Acme Corp', status: 'pending', priority: 'urgent', due_date: '2026-02-12T00:00:00.000Z', assignee_email: 'dana.reyes@demo.example' })
  expect(await rowOf('tasks', body['id'])).toMatchObject({ organization_id: DEMO, customer_id: ACME, assignee_id: DANA, source: 'system', description: 'Why' })
  const later = await bench.run('create_task', { customer_id: ACME, title: 'Later', due_date: '2026-02-12T23:30:00-05:00' })
  expect(later.body).toMatchObject({ due_date: '2026-02-13T04:30:00.000Z', priority: 'medium', assignee_email: null })
})

test('create_risk_signal keeps the amount at stake, of 0 too', async () => {
  const { body } = await bench.run('create_risk_signal', { customer_id: ACME, signal_type: 'champion_left', arr_at_risk: 0 })
  expect(body).toMatchObject({ severity: 'medium', arr_at_risk: 0, description: null })
  expect(await rowOf('risk_signals', body['id'])).toMatchObject({ organization_id: DEMO, auto_detected: false, source: 'zapier', metadata: { arr_at_risk: 0 } })
})

describe('update_health_score', () => {
  test('sets a component; the overall score is the mean of those known', async () => {
    await bench.sql`insert into health_scores (organization_id, customer_id, overall, product, risk, engagement, calculated_at)
      values (${DEMO}, ${customer(6)}, 90, 80, 90, null, now() + interval '1 hour')`
    const { body } = await bench.run('update_health_score', { customer_id: customer(6), component: 'engagement', score: 0, notes: 'No logins' })
    expect(body).toMatchObject({ overall: 57, previous_overall: 91, product: 80, risk: 90, outcomes: null, voice: null, engagement: 0 })
    expect(await rowOf('health_scores', body['id'])).toMatchObject({ organization_id: DEMO, overall: 57, overall_color: 'yellow', product: 80, engagement: 0, voice: null, notes: 'No logins' })
    expect((await rowOf('customers', customer(6)))['health_score']).toBe(57)
    const [history] = await bench.sql`select * from health_score_history where customer_id = ${customer(6)}`
    expect(history).toMatchObject({ score: 57, previous_score: 91, calculation_reason: 'No logins', score_components: { product: 80, risk: 90, outcomes: null, voice: null, engagement: 0 } })
  })

  test('sets the overall score and leaves the components', async () => {
    const { body } = await bench.run('update_health_score', { customer_id: customer(7), component: 'overall', score: 0 })
    expect(body).toMatchObject({ overall: 0, previous_overall: 77, product: 77, engagement: 77 })
    expect(await rowOf('health_scores', body['id'])).toMatchObject({ overall: 0, overall_color: 'red' })
  })

  test('writing all components at once loses none', async () => {
    const components = ['product', 'risk', 'outcomes', 'voice', 'engagement']
    await Promise.all(components.map(async (component, index) => await bench.run('update_health_score', { customer_id: customer(8), component, score: index * 10 })))
    const { body } = await bench.run('update_health_score', { customer_id: customer(8), component: 'product', score: 0 })
    expect(body).toMatchObject({ product: 0, risk: 10, outcomes: 20, voice: 30, engagement: 40, overall: 20, previous_overall: 20 })
  })
})
