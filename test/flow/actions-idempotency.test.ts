import { forgetExpiredKeys } from '../../server/idempotency.js'
import { ACME, customer, NORTHWIND, pointers, workbench, type Workbench } from './actions-workbench.js'

let bench: Workbench

beforeAll(async () => { bench = await workbench() })
afterAll(async () => await bench.drop())

const task = (title: string) => ({ customer_id: ACME, title })
async function tasks (title: string): Promise<number> {
  const [row] = await bench.sql`select count(*)::int as n from tasks where title = ${title}`
  return row?.['n'] as number
}

test('a repeated key gets the same answer and writes once', async () => {
  const first = await bench.run('create_task', task('once'), { idempotencyKey: 'a' })
  const again = await bench.run('create_task', { title: ' once ', customer_id: ACME }, { idempotencyKey: 'a' })
  expect(first.replayed).toBe(false)
  expect(again).toEqual({ ...first, replayed: true })
  expect(await tasks('once')).toBe(1)
})

test('without a key every request writes', async () => {
  await bench.run('create_task', task('twice'))
  await bench.run('create_task', task('twice'))
  expect(await tasks('twice')).toBe(2)
})

test('ten at once write once', async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, async () => await bench.run('create_task', task('ten'), { idempotencyKey: 'ten' })))
  expect(new Set(answers.map(({ body }) => body['id'])).size).toBe(1)
  expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1)
  expect(await tasks('ten')).toBe(1)
})

test('ten at once with inputs of their own: one is written, nine are told', async () => {
  const outcomes = await Promise.allSettled(Array.from({ length: 10 }, async (_, index) => await bench.run('create_task', task(`own ${index}`), { idempotencyKey: 'own' })))
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  expect(outcomes.flatMap((outcome) => outcome.status === 'rejected' ? [(outcome.reason as { code: string }).code] : [])).toEqual(Array(9).fill('idempotency_conflict'))
})

test('a key with another input is a conflict', async () => {
  await bench.run('create_task', task('one'), { idempotencyKey: 'b' })
  const problem = await bench.refuse('create_task', task('other'), { idempotencyKey: 'b' })
  expect([problem.code, problem.status]).toEqual(['idempotency_conflict', 409])
  expect(await tasks('other')).toBe(0)
})

test('a key counts for one organization and one route', async () => {
  const own = async () => await bench.run('create_task', task('c'), { idempotencyKey: 'c' })
  const northwind = async () => await bench.run('create_task', { customer_id: customer(21), title: 'c' }, { idempotencyKey: 'c', organizationId: NORTHWIND })
  const signal = async () => await bench.run('create_risk_signal', { customer_id: ACME, signal_type: 'c' }, { idempotencyKey: 'c' })
  const first = [await own(), await northwind(), await signal()]
  expect(first.map(({ replayed }) => replayed)).toEqual([false, false, false])
  expect([await own(), await northwind(), await signal()]).toEqual(first.map((answer) => ({ ...answer, replayed: true })))
})

test('a failure is not kept: the key may be used again', async () => {
  await bench.refuse('create_task', { customer_name: 'Nobody', title: 'd' }, { idempotencyKey: 'd' })
  expect((await bench.run('create_task', task('d'), { idempotencyKey: 'd' })).replayed).toBe(false)
})

test('an update is answered 200 again', async () => {
  const update = { customer_id: ACME, tier: 'Gold' }
  await bench.run('update_customer', update, { idempotencyKey: 'e' })
  expect(await bench.run('update_customer', update, { idempotencyKey: 'e' })).toMatchObject({ status: 200, replayed: true, body: { tier: 'Gold' } })
})

test.each(['', ' ', 'a b', 'ä', 'x'.repeat(256), 'tab\t', 'nul\0'])('%j is no key', async (idempotencyKey) => {
  const problem = await bench.refuse('create_task', task('bad key'), { idempotencyKey })
  expect([problem.code, pointers(problem)]).toEqual(['validation_failed', ['#headers/idempotency-key']])
  expect(await tasks('bad key')).toBe(0)
})

test('255 characters are a key', async () => {
  expect((await bench.run('create_task', task('long key'), { idempotencyKey: '~'.repeat(255) })).replayed).toBe(false)
})

test('after a day a key is new, and is swept', async () => {
  await bench.run('create_task', task('day'), { idempotencyKey: 'day' })
  await bench.sql`update cscx_zapier.idempotent_requests set created_at = now() - interval '25 hours' where key = 'day'`
  expect((await bench.run('create_task', task('next day'), { idempotencyKey: 'day' })).replayed).toBe(false)
  expect((await bench.run('create_task', task('next day'), { idempotencyKey: 'day' })).replayed).toBe(true)
  await bench.sql`update cscx_zapier.idempotent_requests set created_at = now() - interval '23 hours' where key = 'b'`
  await bench.sql`update cscx_zapier.idempotent_requests set created_at = now() - interval '25 hours' where key in ('day', 'a')`
  expect(await forgetExpiredKeys(bench.database.sql)).toBe(2)
  expect(await forgetExpiredKeys(bench.database.sql)).toBe(0)
  const rest = await bench.sql`select key from cscx_zapier.idempotent_requests where key in ('a', 'b', 'day')`
  expect(rest.map(({ key }) => key)).toEqual(['b'])
})
