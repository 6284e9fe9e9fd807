import { attachCapture } from '../../server/capture/index.js'
import { projectChanges } from '../../server/capture/project.js'
import { ACME, customer, DANA, DEMO, NORTHWIND, workbench, type Workbench } from './actions-workbench.js'

/** Ids in a row may name what belongs to another tenant: none of that may show in the row's event. */
let bench: Workbench

const NORTHWIND_ACME = customer(21)
const TOM = 'a0000000-0000-4000-8000-000000000006'
const ABSENT = { customer_name: null, csm_email: null }

async function open (ddl = ''): Promise<void> {
  bench = await workbench({ ddl })
  await attachCapture(bench.database.sql, bench.schema.current())
}

afterEach(async () => await bench.drop())

/** Events of the changes so far, by type. */
async function project (): Promise<Array<{ type: string, organization_id: string, data: Record<string, unknown> }>> {
  expect((await projectChanges(bench.database, bench.schema)).failed).toEqual([])
  return await bench.sql`select type, organization_id, data from cscx_zapier.events order by type`
}

test('a customer and people of another tenant are not shown', async () => {
  await open()
  await bench.sql`insert into tasks (organization_id, customer_id, assignee_id, title) values (${DEMO}, ${NORTHWIND_ACME}, ${TOM}, 'Foreign')`
  await bench.sql`insert into risk_signals (organization_id, customer_id, signal_type) values (${DEMO}, ${NORTHWIND_ACME}, 'usage_drop')`
  await bench.sql`insert into approval_queue (organization_id, user_id, action_type, action_data, expires_at)
    values (${DEMO}, ${TOM}, 'send_email', ${bench.sql.json({ customer_id: NORTHWIND_ACME })}, now())`
  const events = await project()
  expect(events).toMatchObject([
    { type: 'approval.requested', organization_id: DEMO, data: { ...ABSENT, customer_id: null, requested_by_email: null } },
    { type: 'risk_signal.created', organization_id: DEMO, data: { ...ABSENT, customer_id: NORTHWIND_ACME, arr_at_risk: null } },
    { type: 'task.created', organization_id: DEMO, data: { ...ABSENT, customer_id: NORTHWIND_ACME, assignee_email: null } }
  ])
  expect(JSON.stringify(events)).not.toMatch(/northwind|51000|Acme/)
})

test('neither is a manager whom the tenant\'s own customer names', async () => {
  await open()
  await bench.sql`update customers set csm_id = ${TOM}, csm_name = null, tier = 'Silver' where id = ${ACME}`
  await bench.sql`insert into tasks (customer_id, title) values (${ACME}, 'Own')`
  expect(await project()).toMatchObject([
    { type: 'customer.updated', data: { customer_name: 'Acme Corp', csm_email: null, csm_name: null } },
    { type: 'task.created', organization_id: DEMO, data: { customer_name: 'Acme Corp', csm_email: null } }
  ])
})

test('its own are, those who have left too, whichever way the tenant is known', async () => {
  await open()
  await bench.sql`update org_members set status = 'deactivated' where user_id = ${DANA}`
  await bench.sql`insert into tasks (organization_id, customer_id, assignee_id, title) values (${DEMO}, ${ACME}, ${DANA}, 'a'), (null, ${ACME}, ${DANA}, 'b'), (null, ${NORTHWIND_ACME}, ${TOM}, 'c')`
  const events = (await project()).toSorted((a, b) => String(a.data['title']).localeCompare(String(b.data['title'])))
  const dana = { organization_id: DEMO, data: { customer_id: ACME, customer_name: 'Acme Corp', csm_email: 'dana.reyes@demo.example', assignee_email: 'dana.reyes@demo.example' } }
  const tom = { organization_id: NORTHWIND, data: { customer_id: NORTHWIND_ACME, csm_email: 'tom.brandt@northwind.example', assignee_email: 'tom.brandt@northwind.example' } }
  expect(events).toMatchObject([dana, dana, tom])
})

test('a shared customer may be anyone\'s', async () => {
  await open()
  await bench.sql`update customers set organization_id = null where id = ${ACME}`
  await bench.sql`insert into tasks (organization_id, customer_id, title) values (${NORTHWIND}, ${ACME}, 'Shared')`
  expect(await project()).toMatchObject([{ organization_id: NORTHWIND, data: { customer_name: 'Acme Corp', csm_email: null } }])
})

test('memberships may be kept as text, in any case', async () => {
  await open('alter table org_members drop constraint org_members_user_id_fkey, drop constraint org_members_organization_id_fkey, alter user_id type text using upper(user_id::text), alter organization_id type text using upper(organization_id::text)')
  await bench.sql`insert into tasks (organization_id, customer_id, assignee_id, title) values (${DEMO}, ${ACME}, ${DANA}, 'a'), (${DEMO}, ${ACME}, ${TOM}, 'b')`
  const emails = (await project()).map(({ data }) => [data['csm_email'], data['assignee_email']])
  expect(emails).toHaveLength(2)
  expect(emails).toEqual(expect.arrayContaining([['dana.reyes@demo.example', 'dana.reyes@demo.example'], ['dana.reyes@demo.example', null]]))
})

test('where there are no memberships, people are shown as the rows name them', async () => {
  await open('drop table org_members')
  await bench.sql`insert into tasks (organization_id, customer_id, assignee_id, title) values (${DEMO}, ${ACME}, ${TOM}, 'x')`
  expect(await project()).toMatchObject([{ data: { csm_email: 'dana.reyes@demo.example', assignee_email: 'tom.brandt@northwind.example' } }])
})
