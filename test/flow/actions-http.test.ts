import Fastify, { type FastifyInstance, type InjectOptions } from 'fastify'
import swagger from '@fastify/swagger'
import { jsonSchemaTransform } from 'fastify-type-provider-zod'
import { actions } from '../../shared/catalogue/actions/index.js'
import { Problem } from '../../shared/problem.js'
import type { Scope } from '../../shared/scopes.js'
import { createApiKey } from '../../server/auth/index.js'
import { connect } from '../../server/db/client.js'
import { runAction } from '../../server/inbound/index.js'
import { accessControl } from '../../server/routes/access.js'
import { actionRoutes } from '../../server/routes/actions.js'
import { problemHandlers } from '../../server/routes/errors.js'
import { ACME, actionOf, customer, DEMO, NORTHWIND, workbench, type Workbench } from './actions-workbench.js'

let bench: Workbench
let app: FastifyInstance
let key: string
let northwindKey: string

const SCOPES = [...new Set(actions.map(({ scope }) => scope))]
const makeKey = async (organization: string, scopes: readonly Scope[]) => await createApiKey(bench.database, organization, 'Test', scopes)

beforeAll(async () => {
  bench = await workbench()
  app = Fastify()
  problemHandlers(app)
  accessControl(app, bench.database)
  await app.register(swagger, { openapi: { openapi: '3.1.0', info: { title: 'x', version: '1' } }, transform: jsonSchemaTransform })
  await app.register(actionRoutes, bench)
  await app.ready()
  key = await makeKey(DEMO, SCOPES)
  northwindKey = await makeKey(NORTHWIND, SCOPES)
})
afterAll(async () => {
  await app.close()
  await bench.drop()
})

async function call (method: 'POST' | 'PUT', url: string, payload: unknown, headers: Record<string, string> = {}) {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload)
  const options: InjectOptions = { method, url, payload: text, headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers } }
  const { statusCode: status, headers: answered, body } = await app.inject(options)
  return { status, headers: answered, body: JSON.parse(body) as Record<string, unknown> }
}

test('creating answers 201, updating 200, both with the output alone', async () => {
  const created = await call('POST', '/api/zapier/activities', { customer_id: ACME, activity_type: 'support_call', description: 'x' })
  expect([created.status, created.body['stored_type']]).toEqual([201, 'call'])
  const updated = await call('PUT', `/api/zapier/customers/${ACME}`, { tier: 'Gold' })
  expect([updated.status, updated.body['id']]).toEqual([200, ACME])
})

test('a repeated key is answered the same, and says so', async () => {
  const send = async () => await call('POST', '/api/zapier/tasks', { customer_id: ACME, title: 'http' }, { 'idempotency-key': 'k' })
  const [first, second] = [await send(), await send()]
  expect([first.status, second.status]).toEqual([201, 201])
  expect(second.body).toEqual(first.body)
  expect([first.headers['idempotency-replayed'], second.headers['idempotency-replayed']]).toEqual([undefined, 'true'])
})

test('what was written says who wrote it, and nothing else that the connection does', async () => {
  await bench.sql.unsafe(`create table seen (at serial, origin text);
    create function note_origin() returns trigger language plpgsql as $$ begin insert into seen (origin) values (nullif(current_setting('cscx_zapier.origin', true), '')); return new; end $$;
    create trigger note_origin after insert on tasks for each row execute function note_origin()`)
  const { database, schema } = { database: connect(bench.url, 1), schema: bench.schema }
  try {
    await runAction(database, schema, { organizationId: DEMO, actorId: 'hook "1"', origin: 'inbound_webhook', action: actionOf('create_task'), input: { customer_id: ACME, title: 'x' } })
    await database.sql`insert into tasks (title) values ('from CSCX')`
  } finally {
    await database.close()
  }
  await call('POST', '/api/zapier/tasks', { customer_id: ACME, title: 'y' })
  const [credential] = await bench.sql`select id from cscx_zapier.api_keys where organization_id = ${DEMO}`
  const seen = await bench.sql<Array<{ origin: string }>>`select origin from seen order by at`
  expect(seen.map(({ origin }) => JSON.parse(origin) as unknown)).toEqual([
    { origin: 'inbound_webhook', origin_id: 'hook "1"' }, null, { origin: 'zapier', origin_id: credential?.['id'] }
  ])
})

test.each(actions.map((action) => [action.name, action] as const))('%s needs its scope', async (_name, action) => {
  const weak = await makeKey(DEMO, SCOPES.filter((scope) => scope !== action.scope))
  const { status, body } = await call(action.method, action.path.replace('{customer_id}', ACME), {}, { authorization: `Bearer ${weak}` })
  expect([status, body['code']]).toEqual([403, 'insufficient_scope'])
})

test.each(actions.filter(({ name }) => name !== 'create_customer').map((action) => [action.name, action] as const))('%s of another tenant\'s customer writes nothing', async (name, action) => {
  const tables = ['customers', 'stakeholders', 'customer_activities', 'tasks', 'risk_signals', 'health_scores', 'health_score_history']
  const rows = async () => await Promise.all(tables.map(async (table) => await bench.sql`select * from ${bench.sql(table)} order by id`))
  const before = await rows()
  const { customer_name: _, customer_id: __, ...input } = { customer_name: '', customer_id: '', ...action.sample.input }
  const body = name === 'update_customer' ? input : { ...input, customer_id: ACME, assignee_email: undefined }
  const { status, body: problem } = await call(action.method, action.path.replace('{customer_id}', ACME), body, { authorization: `Bearer ${northwindKey}` })
  expect([status, problem['code']]).toEqual(name === 'update_customer' ? [404, 'not_found'] : [422, 'customer_not_found'])
  expect(JSON.stringify(problem)).not.toContain('acme.com')
  expect(await rows()).toEqual(before)
})

describe('hostile input', () => {
  const long = 'x'.repeat(1_000_000)
  const valid = { customer_id: ACME, title: 'x' }
  test.each<[string, unknown, string[]]>([
    ['NUL', { ...valid, title: 'a\0b' }, ['/title']],
    ['NUL in the metadata', { ...valid, metadata: { 'a\0': 'b', c: 'd\0' } }, ['/metadata/c', '/metadata/a\0']],
    ['a lone surrogate', `{"customer_id":"${ACME}","title":"x\\ud800","metadata":{"k":"\\udc00"}}`, ['/metadata/k', '/title']],
    ['a lookup with a lone surrogate', '{"customer_name":"\\ud800","title":"x"}', ['/customer_name']],
    ['a megabyte', { ...valid, description: long }, ['/description']],
    ['a megabyte of address', { ...valid, assignee_email: long }, ['/assignee_email']],
    ['a megabyte of id', { ...valid, customer_id: long }, ['/customer_id']],
    ['a megabyte as a key', { ...valid, [long]: 1 }, [`/${'x'.repeat(200)}…`]],
    ['an infinite number', '{"title":"x","customer_id":"y","metadata":{"n":1e999}}', ['/metadata/n']],
    ['the year 0', { ...valid, due_date: '0000-01-01' }, ['/due_date']],
    ['a year before 0', { ...valid, due_date: '0000-01-01T00:00:00+14:00' }, ['/due_date']],
    ['the wrong kinds', { customer_id: 5, title: null, description: {}, priority: 'x', due_date: 'soon', assignee_email: [], metadata: [] }, ['/customer_id', '/title', '/description', '/priority', '/due_date', '/assignee_email', '/metadata']],
    ['nested metadata', { ...valid, metadata: { a: { b: 1 }, c: [1] } }, ['/metadata/a', '/metadata/c']],
    ['unknown members', { ...valid, titel: 'x', 'a/b~c': 1, constructor: 1 }, ['/titel', '/a~1b~0c', '/constructor']],
    ['nothing', {}, ['/title', '/customer_id']],
    ['too many pairs', { ...valid, metadata: Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`k${index}`, 1])) }, ['/metadata']]
  ])('%s is a 422 that names the field', async (_name, body, expected) => {
    const { status, headers, body: problem } = await call('POST', '/api/zapier/tasks', body)
    expect([status, headers['content-type'], problem['code']]).toEqual([422, expect.stringContaining('application/problem+json'), 'validation_failed'])
    expect(Problem.parse(problem).errors?.map(({ pointer }) => pointer)).toEqual(expected)
    expect(JSON.stringify(problem).length).toBeLessThan(10_000)
  })

  test.each<[string, string, number]>([
    ['__proto__', '{"__proto__":{"title":"x"}}', 400],
    ['constructor.prototype', '{"constructor":{"prototype":{"title":"x"}}}', 400],
    ['an array', '[]', 400],
    ['null', 'null', 400],
    ['a string', '"x"', 400],
    ['nothing', '', 400],
    ['no JSON', '{', 400],
    ['too deep to read', `{"metadata":${'['.repeat(400_000)}${']'.repeat(400_000)}}`, 422],
    ['two megabytes', JSON.stringify({ title: 'x'.repeat(2_000_000) }), 413]
  ])('%s is refused', async (_name, body, expected) => {
    expect((await call('POST', '/api/zapier/tasks', body)).status).toBe(expected)
  })

  test('__proto__ that comes another way than by HTTP is named', async () => {
    const input = JSON.parse(`{"customer_id":"${ACME}","title":"x","__proto__":{"a":1},"metadata":{"__proto__":"b"}}`) as unknown
    const problem = await bench.refuse('create_task', input)
    expect(problem.errors?.map(({ pointer }) => pointer).sort()).toEqual(['/__proto__', '/metadata/__proto__'])
  })

  test.each([[1e308], [10_000_000_000], [-1]])('an ARR of %d is refused by name', async (arr) => {
    const { status, body } = await call('PUT', `/api/zapier/customers/${ACME}`, { arr })
    expect([status, Problem.parse(body).errors?.map(({ pointer }) => pointer)]).toEqual([422, ['/arr']])
  })

  test('the largest of everything is written', async () => {
    const { status } = await call('POST', '/api/zapier/tasks', {
      customer_id: ACME, title: '𝒳'.repeat(250), description: 'ü'.repeat(20_000), metadata: Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`k${index}`.padEnd(100, '_'), 'x'.repeat(5_000)]))
    })
    expect(status).toBe(201)
    const { body } = await call('POST', '/api/zapier/customers', { name: "Robert'); drop table customers; --", arr: 9_999_999_999, employee_count: 100_000_000, metadata: { n: 1e308 } })
    expect(body).toMatchObject({ name: "Robert'); drop table customers; --", arr: 9_999_999_999 })
  })

  test('a path that is no id is a 404, one that differs from the body a 422', async () => {
    expect((await call('PUT', '/api/zapier/customers/%00', { tier: 'x' })).status).toBe(422)
    expect((await call('PUT', `/api/zapier/customers/${customer(99)}`, { tier: 'x' })).status).toBe(404)
    expect((await call('PUT', `/api/zapier/customers/${ACME}`, { tier: 'x', customer_id: ACME })).status).toBe(200)
    const differs = await call('PUT', `/api/zapier/customers/${ACME}`, { tier: 'x', customer_id: customer(2) })
    expect([differs.status, Problem.parse(differs.body).errors?.[0]?.pointer]).toEqual([422, '/customer_id'])
  })
})

test('a database that is away is a 503', async () => {
  const away = connect('postgres://postgres@127.0.0.1:1/postgres', 1)
  const problem = await runAction(away, bench.schema, { organizationId: DEMO, actorId: 'k', origin: 'zapier', action: actionOf('create_task'), input: { customer_id: ACME, title: 'x' } })
    .catch((error: unknown) => error)
  await away.close()
  expect(problem).toMatchObject({ code: 'unavailable', status: 503 })
})

test('a customer that someone keeps locked is a 503 in the end', async () => {
  await bench.sql.begin(async (tx) => {
    await tx`select 1 from customers where id = ${ACME} for update`
    const problem = await bench.refuse('update_health_score', { customer_id: ACME, component: 'overall', score: 1 })
    expect(problem).toMatchObject({ code: 'unavailable', status: 503 })
  })
})

test('OpenAPI describes every action', () => {
  const document = app.swagger() as unknown as { paths: Record<string, Record<string, { operationId: string, responses: object, parameters: Array<{ name: string, in: string }>, requestBody: { content: { 'application/json': { schema: { properties: object } } } } }>> }
  for (const action of actions) {
    const operation = document.paths[action.path]?.[action.method.toLowerCase()]
    const parameters = operation?.parameters.map(({ name, in: place }) => `${place} ${name}`)
    const fields = Object.keys(action.input.shape)
    const isUpdate = action.method === 'PUT'
    expect(Object.keys(operation?.requestBody.content['application/json'].schema.properties ?? {})).toEqual(fields.filter((field) => !isUpdate || field !== 'customer_id'))
    expect(parameters).toEqual(expect.arrayContaining(['header idempotency-key', ...(isUpdate ? ['path customer_id'] : [])]))
    expect(Object.keys(operation?.responses ?? {})).toEqual([isUpdate ? '200' : '201', '503', '4XX'])
  }
})
