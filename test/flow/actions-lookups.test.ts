import { customer, NORTHWIND, pointers, workbench, type Workbench } from './actions-workbench.js'

let bench: Workbench

beforeAll(async () => { bench = await workbench() })
afterAll(async () => await bench.drop())

const find = async (reference: object, organizationId?: string) =>
  (await bench.run('create_task', { title: 'x', ...reference }, organizationId ? { organizationId } : {})).body['customer_id']
const miss = async (reference: object) => await bench.refuse('create_task', { title: 'x', ...reference })

test.each([
  [{ customer_id: customer(2) }, 2],
  [{ customer_id: customer(2).toUpperCase() }, 2],
  [{ customer_name: 'Globex' }, 2],
  [{ customer_name: '  gLOBEX ' }, 2],
  [{ customer_name: 'CAFÉ ZÜRICH' }, 12],
  [{ domain: 'acme.com' }, 1],
  [{ domain: 'ACME.com.' }, 1],
  [{ domain: 'https://www.acme.com/about?x=1#y' }, 1],
  [{ domain: 'http://acme.com:8080' }, 1],
  [{ domain: 'jane.doe@acme.com' }, 1],
  [{ domain: 'Jane Doe <jane@acme.com>' }, 1],
  [{ external_id: ' CRM-10005 ' }, 5],
  [{ customer_name: 'Initech', domain: 'initech-europe.example' }, 4],
  [{ customer_id: customer(3), customer_name: 'initech', domain: 'initech.example', external_id: 'CRM-10003' }, 3]
])('%j is customer %i', async (reference, number) => {
  expect(await find(reference)).toBe(customer(number))
})

test.each(['https://www.Stored.example/path', 'www.stored.example', 'Stored.example:443'])('a domain stored as %s is found', async (stored) => {
  await bench.sql`update customers set domain = ${stored} where id = ${customer(9)}`
  expect(await find({ domain: 'stored.example' })).toBe(customer(9))
})

test('a domain beyond ASCII is found in either spelling', async () => {
  await bench.sql`update customers set domain = 'bücher.example' where id = ${customer(10)}`
  await bench.sql`update customers set domain = 'xn--mnchen-3ya.example' where id = ${customer(11)}`
  expect(await find({ domain: 'xn--bcher-kva.example' })).toBe(customer(10))
  expect(await find({ domain: 'münchen.example' })).toBe(customer(11))
})

test('each tenant finds its own of one name', async () => {
  expect(await find({ customer_name: 'Acme Corp' })).toBe(customer(1))
  expect(await find({ customer_name: 'Acme Corp' }, NORTHWIND)).toBe(customer(21))
})

test('what belongs to another tenant or to none is not found', async () => {
  await bench.sql`insert into customers (id, name, domain, external_id) values (${customer(500)}, 'Shared Demo', 'shared.example', 'SHARED')`
  const foreign = [
    { customer_id: customer(22) }, { customer_name: 'Contoso' }, { domain: 'contoso.example' }, { external_id: 'CRM-10022' },
    { customer_id: customer(500) }, { customer_name: 'Shared Demo' }, { domain: 'shared.example' }, { external_id: 'SHARED' }
  ]
  for (const reference of foreign) {
    const problem = await miss(reference)
    expect([reference, problem.code, problem.status]).toEqual([reference, 'customer_not_found', 422])
    expect(problem.candidates?.map(({ customer_id: id }) => id)).not.toEqual(expect.arrayContaining([customer(22)]))
    expect(problem.candidates?.map(({ customer_id: id }) => id)).not.toEqual(expect.arrayContaining([customer(500)]))
  }
  const [count] = await bench.sql`select count(*)::int as n from tasks where title = 'x' and customer_id in (${customer(22)}, ${customer(500)})`
  expect(count?.['n']).toBe(0)
})

test.each(['cust_123', '00000000-0000-0000-0000-000000000000', '1; drop table customers', '%', "' or true --"])('%s is no id', async (id) => {
  const problem = await miss({ customer_id: id })
  expect(problem.code).toBe('customer_not_found')
  expect(pointers(problem)).toEqual(['/customer_id'])
})

test('everything given must match', async () => {
  const problem = await miss({ customer_name: 'Acme Corp', domain: 'globex.example' })
  expect(problem.code).toBe('customer_not_found')
  expect(pointers(problem)).toEqual(['/customer_name', '/domain'])
})

test('a name that two customers have is ambiguous', async () => {
  const problem = await miss({ customer_name: 'initech' })
  expect([problem.code, problem.status]).toEqual(['customer_ambiguous', 422])
  expect(pointers(problem)).toEqual(['/customer_name'])
  expect(problem.candidates).toEqual([
    { customer_id: customer(3), customer_name: 'Initech', domain: 'initech.example' },
    { customer_id: customer(4), customer_name: 'Initech', domain: 'initech-europe.example' }
  ])
})

test('at most five candidates are named', async () => {
  await bench.sql`insert into customers (organization_id, name) select 'd0000000-0000-4000-8000-000000000001', 'Twin' from generate_series(1, 8)`
  expect((await miss({ customer_name: 'twin' })).candidates).toHaveLength(5)
  expect((await miss({ customer_name: 'twin peaks' })).candidates).toHaveLength(5)
})

test.each([
  [{ customer_name: 'Acme' }, customer(1)],
  [{ customer_name: 'Acme Corporation International' }, customer(1)],
  [{ customer_name: 'The Umbrella Group' }, customer(5)],
  [{ customer_name: 'Vandaley' }, customer(11)],
  [{ domain: 'mail.acme.io' }, undefined],
  [{ domain: 'globex.com' }, customer(2)],
  [{ customer_name: '100%_\\' }, undefined],
  [{ external_id: 'nope' }, undefined]
])('%j proposes', async (reference, likeliest) => {
  const problem = await miss(reference)
  expect(problem.code).toBe('customer_not_found')
  expect(problem.candidates?.[0]?.customer_id).toBe(likeliest)
})

test('a user of another organization is unknown', async () => {
  const problem = await miss({ customer_id: customer(1), assignee_email: 'tom.brandt@northwind.example' })
  expect([problem.code, pointers(problem)]).toEqual(['validation_failed', ['/assignee_email']])
})
