import nock from 'nock'
import { PROBLEMS, type Problem, type ProblemCode } from '../../shared/problem.js'
import { describeProblem } from '../../zapier-app/src/problem.js'
import { API, useApi } from './api.js'
import { ACCESS_TOKEN, appTester, authData, hookOf, runCreate } from './app.js'

useApi()

const INPUT = { customer_name: 'Acme', title: 'Call the champion' }

function problem (code: ProblemCode, more: Partial<Problem> = {}): Problem {
  return { type: `https://cscx.ai/problems/${code}`, code, ...PROBLEMS[code], ...more }
}

/** The error of a create that is answered with a problem. */
async function failure (body: Problem, headers: Record<string, string> = {}): Promise<Error> {
  nock(API).post('/api/zapier/tasks').reply(body.status, JSON.stringify(body), { 'content-type': 'application/problem+json', ...headers })
  return await runCreate('create_task', INPUT).then(() => { throw new TypeError('the create did not fail') }, (error: Error) => error)
}

describe('a request that would fail again halts the run', () => {
  test('and names every wrong field, in the words of the form', async () => {
    const error = await failure(problem('validation_failed', {
      detail: 'Two fields are not valid',
      errors: [
        { pointer: '/due_date', detail: 'Give a date (2026-01-29) or a time with zone', code: 'invalid' },
        { pointer: '/metadata/a~1b', detail: 'Too long', code: 'too_big' },
        { pointer: '', detail: 'Give at least one field to change', code: 'required' }
      ]
    }))
    expect(error.name).toBe('HaltedError')
    expect(error.message).toBe('Some fields are not valid. ' +
      'Due Date (due_date): Give a date (2026-01-29) or a time with zone; Metadata (metadata.a/b): Too long; Give at least one field to change.')
  })

  test('and lists the customers that an ambiguous name may mean', async () => {
    const error = await failure(problem('customer_ambiguous', {
      detail: 'Two customers are called Acme',
      errors: [{ pointer: '/customer_name', detail: 'More than one customer has this name', code: 'ambiguous' }],
      candidates: [
        { customer_id: 'c1', customer_name: 'Acme Corp', domain: 'acme.com' },
        { customer_id: 'c2', customer_name: 'ACME', domain: null },
        { customer_id: 'c3', customer_name: null, domain: 'acme.example' }
      ]
    }))
    expect(error.name).toBe('HaltedError')
    expect(error.message).toBe('More than one customer matches. Customer Name (customer_name): More than one customer has this name. ' +
      'Give the Customer ID of one of these: Acme Corp (acme.com, ID c1); ACME (ID c2); a customer without name (acme.example, ID c3).')
  })

  test('and lists the customers that are close to an unknown one', async () => {
    const error = await failure(problem('customer_not_found', {
      detail: 'No customer is called Acme', candidates: [{ customer_id: 'c1', customer_name: 'Acme Corp', domain: null }]
    }))
    expect(error.name).toBe('HaltedError')
    expect(error.message).toBe('No customer is called Acme. Close to it: Acme Corp (ID c1).')
  })

  test('and says how to get a missing permission', async () => {
    const error = await failure(problem('insufficient_scope', { detail: 'The connection may not create tasks' }))
    expect(error.name).toBe('HaltedError')
    expect(error.message).toBe('The connection may not create tasks. Reconnect CSCX.AI in Zapier to grant more.')
  })

  test.each(['malformed_request', 'not_found', 'idempotency_conflict', 'payload_too_large', 'action_unavailable'] as const)('and gives the title of %s where there is no detail', async (code) => {
    const error = await failure(problem(code))
    expect(error.name).toBe('HaltedError')
    expect(error.message).toBe(`${PROBLEMS[code].title}.`)
  })

  test('and gives the status of an answer that is not CSCX\'s', async () => {
    nock(API).post('/api/zapier/tasks').reply(403, '<html>Forbidden by a proxy</html>', { 'content-type': 'text/html' })
    await expect(runCreate('create_task', INPUT)).rejects.toEqual(expect.objectContaining({ name: 'HaltedError', message: 'CSCX answered with status 403.' }))
  })
})

describe('a message', () => {
  test('stays readable however much an answer holds', () => {
    const errors = Array.from({ length: 500 }, (_, index) => ({ pointer: `/f${index}`, detail: 'x'.repeat(10_000), code: 'invalid' }))
    const candidates = Array.from({ length: 500 }, (_, index) => ({ customer_id: `c${index}`, customer_name: 'n'.repeat(10_000), domain: 'd'.repeat(10_000) }))
    const message = describeProblem(problem('validation_failed', { errors, candidates }))
    expect(message).toContain('and 480 more')
    expect(message).toContain('and 490 more')
    expect(message.length).toBeLessThan(20_000)
  })

  test('uses no label that a pointer only seems to have', () => {
    expect(describeProblem(problem('validation_failed', { errors: [{ pointer: '/toString', detail: 'Not known', code: 'unknown' }] }))).toBe('Some fields are not valid. toString: Not known.')
  })

  test('names what stands outside the body', () => {
    expect(describeProblem(problem('validation_failed', { errors: [{ pointer: '#query/limit', detail: 'Too big', code: 'too_big' }] }))).toBe('Some fields are not valid. query.limit: Too big.')
  })
})

describe('a failure that may pass is left to Zapier to replay', () => {
  test('401 asks Zapier to refresh the token', async () => {
    expect(await failure(problem('unauthenticated'))).toMatchObject({ name: 'RefreshAuthError' })
  })

  test('429 throttles for as long as the server asks', async () => {
    nock(API).post('/api/zapier/tasks').reply(429, '{}', { 'retry-after': '17' })
    const error = await runCreate('create_task', INPUT).catch((thrown: Error) => thrown) as Error
    expect(error.name).toBe('ThrottledError')
    expect(JSON.parse(error.message)).toMatchObject({ delay: 17 })
  })

  test.each(['unavailable', 'internal_error'] as const)('%s is an error, not a halt', async (code) => {
    const error = await failure(problem(code, { detail: 'The database is away' }))
    expect(error.name).toBe('AppError')
    expect(JSON.parse(error.message)).toEqual({ message: 'The database is away.', code, status: PROBLEMS[code].status })
  })

  test('a gateway\'s page is an error, not a halt', async () => {
    nock(API).post('/api/zapier/tasks').reply(502, '<html>Bad gateway</html>')
    await expect(runCreate('create_task', INPUT)).rejects.toMatchObject({ name: 'AppError' })
  })

  test('a connection that breaks is an error, not a halt', async () => {
    nock(API).post('/api/zapier/tasks').replyWithError(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }))
    const error = await runCreate('create_task', INPUT).catch((thrown: Error) => thrown) as Error
    expect(error.name).toBe('FetchError')
    expect(error.message).toMatch(/socket hang up/)
  })

  test('a success that is not a record is an error', async () => {
    nock(API).post('/api/zapier/tasks').reply(200, '<html>Welcome to the hotel</html>')
    await expect(runCreate('create_task', INPUT)).rejects.toThrow(/CSCX sent a record that cannot be read/)
  })
})

describe('the token', () => {
  test.each([401, 403, 422, 500, 503])('is in no error for %i', async (status) => {
    nock(API).post('/api/zapier/tasks').reply(status, { type: 'about:blank', title: 'No', status, code: 'not_found' })
    const error = await runCreate('create_task', INPUT).catch((thrown: Error) => thrown) as Error
    expect(`${error.message} ${JSON.stringify(error)}`).not.toContain(ACCESS_TOKEN)
  })

  test('follows no redirect', async () => {
    const elsewhere = nock('https://elsewhere.test').get('/').reply(200, { data: [] })
    nock(API).get(/samples/).reply(302, '', { location: 'https://elsewhere.test/' })
    await expect(appTester(hookOf('task.created').performList, { authData })).rejects.toThrow(/redirect/)
    expect(elsewhere.isDone()).toBe(false)
    nock.removeInterceptor({ hostname: 'elsewhere.test', proto: 'https', path: '/' })
  })
})
