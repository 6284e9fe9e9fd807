import { CaptureWorker } from '../../server/capture/index.js'
import { sweepRenewals, type Sweep } from '../../server/capture/renewals.js'
import { eventually } from '../helpers/eventually.js'
import { customer, DEMO, NORTHWIND, workbench, type Workbench } from './actions-workbench.js'

/** No row of any tenant may stop the renewals of all the others. */
let bench: Workbench

afterEach(async () => await bench.drop())

/** A database whose only renewals are those that a test makes. */
async function open (ddl = ''): Promise<void> {
  bench = await workbench({ ddl: `delete from renewals; update customers set renewal_date = null; ${ddl}` })
}

const TODAY = '2030-01-01'
const sweep = async (): Promise<Sweep> => await sweepRenewals(bench.database, bench.schema, [90, 30], TODAY)

async function renewals (): Promise<unknown[][]> {
  const rows = await bench.sql<Array<{ organization_id: string, data: Record<string, unknown> }>>`
    select organization_id, data from cscx_zapier.events where type = 'renewal.approaching' order by data ->> 'renewal_date', data ->> 'customer_id'`
  return rows.map(({ organization_id: organization, data }) => [organization, data['customer_id'], data['renewal_date']])
}

test('a renewal of a customer whose row holds more than an event may is raised like the others, cut to fit', async () => {
  await open()
  await bench.sql`alter table customers drop constraint if exists customers_health_score_check`
  await bench.sql`update customers set renewal_date = '2030-01-20' where id in (${customer(1)}, ${customer(21)}, ${customer(22)})`
  await bench.sql`update customers set name = ${'x'.repeat(600)}, health_score = 150 where id = ${customer(22)}`
  expect(await sweep()).toEqual({ raised: 3, failed: [] })
  expect(await renewals()).toEqual([[DEMO, customer(1), '2030-01-20'], [NORTHWIND, customer(21), '2030-01-20'], [NORTHWIND, customer(22), '2030-01-20']])
  expect(await bench.sql`select data from cscx_zapier.events where customer_id = ${customer(22)}`).toMatchObject([{ data: { customer_name: 'x'.repeat(500), health_score: 100 } }])
})

test('one that the database refuses to store as an event is reported once, and the others are raised', async () => {
  await open()
  await bench.sql`alter table cscx_zapier.events add constraint no_poison check (data ->> 'customer_name' is distinct from 'Contoso')`
  await bench.sql`update customers set renewal_date = '2030-01-20' where organization_id = ${NORTHWIND}`
  expect(await sweep()).toEqual({ raised: 3, failed: [{ id: customer(22), reason: expect.stringContaining('no_poison') }] })
  expect((await renewals()).map(([, id]) => id)).toEqual([customer(21), customer(23), customer(24)])
  expect(await sweep()).toEqual({ raised: 0, failed: [] })
})

test('the worker reports it', async () => {
  await open()
  await bench.sql`alter table cscx_zapier.events add constraint no_poison check (data ->> 'customer_id' is distinct from ${bench.sql.unsafe(`'${customer(22)}'`)})`
  await bench.sql`update customers set renewal_date = current_date + 10 where id = ${customer(22)}`
  const errors: string[] = []
  const worker = new CaptureWorker({
    database: bench.database, schema: bench.schema, renewalThresholds: [30], onError: (error, doing) => errors.push(`${doing}: ${String(error)}`), onNotice: () => {}
  })
  await worker.start()
  try {
    await eventually(() => expect(errors).toEqual([expect.stringMatching(`^raise renewal.approaching for customer ${customer(22)}`)]))
  } finally {
    await worker.stop()
  }
})

/** The pattern must let no text through that Postgres cannot cast, and every day that there is. */
test('dates kept as text count when they are dates', async () => {
  await open('alter table customers alter renewal_date type text')
  const texts = ['2030-01-20', '2030-01-20T23:30:00Z', '2030-01-20 00:00:00+00', 'soon', '', '20.01.2030', '01/20/2030', '2030-01-32', '2030-02-29', '2030-02-30', '2030-04-31', '2030-13-01', '2030-00-10', '2030-01-00', '0000-01-01', '2030-01-20x', '2030-1-20', '٢٠٣٠-٠١-٢٠', 'infinity']
  await bench.sql`insert into customers (name, organization_id, renewal_date) select t, ${DEMO}, t from unnest(${texts}::text[]) as t`
  expect(await sweep()).toEqual({ raised: 3, failed: [] })
  const names = await bench.sql<Array<{ name: string }>>`select data ->> 'customer_name' collate "C" as name from cscx_zapier.events order by 1`
  expect(names.map(({ name }) => name)).toEqual(['2030-01-20', '2030-01-20 00:00:00+00', '2030-01-20T23:30:00Z'])
})

test('every day of leap years and others is a date', async () => {
  await open('alter table customers alter renewal_date type text')
  const days = 366
  await bench.sql`insert into customers (name, organization_id, renewal_date)
    select 'Day', ${DEMO}, d::date::text from (values ('2400-01-01'::date), ('2100-01-01'), ('2028-01-01'), ('2031-01-01')) as y(first), generate_series(first, first + ${days}::int, '1 day') as d`
  for (const first of ['2400-01-01', '2100-01-01', '2028-01-01', '2031-01-01']) {
    const { raised, failed } = await sweepRenewals(bench.database, bench.schema, [days], first)
    expect([first, raised, failed]).toEqual([first, days + 1, []])
  }
})

test('a column of another type holds no dates', async () => {
  await open('alter table customers drop column renewal_date; alter table customers add column renewal_date integer default 20300120')
  await bench.sql`insert into renewals (customer_id, renewal_date) values (${customer(1)}, '2030-01-20')`
  expect(await sweep()).toEqual({ raised: 1, failed: [] })
})

test('an infinite date never comes near', async () => {
  await open('alter table renewals alter renewal_date type timestamptz')
  await bench.sql`update customers set renewal_date = 'infinity' where id = ${customer(1)}`
  await bench.sql`update customers set renewal_date = '-infinity' where id = ${customer(2)}`
  await bench.sql`insert into renewals (customer_id, renewal_date) values (${customer(1)}, 'infinity'), (${customer(3)}, '2030-01-20T10:00:00Z')`
  expect(await sweep()).toEqual({ raised: 1, failed: [] })
  expect(await renewals()).toEqual([[DEMO, customer(3), '2030-01-20']])
})

test('ids may be kept as text; a tenant that is no UUID has no renewals', async () => {
  await open('alter table customers drop constraint customers_organization_id_fkey, alter organization_id type text; alter table renewals drop constraint renewals_customer_id_fkey, alter customer_id type text')
  await bench.sql`insert into renewals (organization_id, customer_id, renewal_date) values (${NORTHWIND}, ${customer(21)}, '2030-01-20'), (null, ${customer(22)}, '2030-01-20'), (null, 'nobody', '2030-01-20')`
  await bench.sql`update customers set organization_id = 'org-1' where id = ${customer(22)}`
  expect(await sweep()).toEqual({ raised: 1, failed: [] })
  expect(await renewals()).toEqual([[NORTHWIND, customer(21), '2030-01-20']])
})

test('a renewal of one tenant is not told to another, nor is a manager', async () => {
  await open()
  await bench.sql`insert into renewals (organization_id, customer_id, renewal_date) values (${DEMO}, ${customer(21)}, '2030-01-10'), (${NORTHWIND}, ${customer(21)}, '2030-01-20'), (null, ${customer(22)}, '2030-01-20')`
  await bench.sql`update customers set csm_id = (select id from user_profiles where email = 'dana.reyes@demo.example') where id = ${customer(22)}`
  expect(await sweep()).toEqual({ raised: 2, failed: [] })
  expect(await renewals()).toEqual([[NORTHWIND, customer(21), '2030-01-20'], [NORTHWIND, customer(22), '2030-01-20']])
  const emails = await bench.sql`select data ->> 'csm_email' as email from cscx_zapier.events order by data ->> 'customer_id'`
  expect(emails).toMatchObject([{ email: 'tom.brandt@northwind.example' }, { email: null }])
})

test('customers without a tenant have no renewals', async () => {
  await open('alter table customers drop column organization_id')
  await bench.sql`update customers set renewal_date = '2030-01-20'`
  expect(await sweep()).toEqual({ raised: 0, failed: [] })
})
