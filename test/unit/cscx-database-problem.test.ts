import { actions } from '../../shared/catalogue/actions/index.js'
import { databaseProblem, isRepeatable, isStaleSchema } from '../../server/inbound/database-problem.js'

const task = actions.find(({ name }) => name === 'create_task') ?? actions[0]
const failure = (code: string, more: object = {}) => Object.assign(new Error('secret'), { code, ...more })

test.each<[string, object, string]>([
  ['23502', { table_name: 'tasks', column_name: 'title' }, '/title'],
  ['23503', { table_name: 'tasks', constraint_name: 'tasks_assignee_id_fkey', detail: 'Key (assignee_id)=(x) is not present in table "user_profiles".' }, '/assignee_email'],
  ['23505', { table_name: 'tasks', detail: 'Key (organization_id, title)=(x, y) already exists.' }, '/title'],
  ['23514', { table_name: 'tasks', constraint_name: 'tasks_priority_check1' }, '/priority'],
  ['23514', { table_name: 'tasks', constraint_name: 'sane' }, ''],
  ['22003', {}, ''],
  ['22P05', {}, ''],
  ['22021', {}, '']
])('%s %j is a validation problem at "%s"', (code, more, pointer) => {
  const problem = databaseProblem(failure(code, more), task)
  expect(problem).toMatchObject({ code: 'validation_failed', status: 422, errors: [{ pointer }] })
  expect(JSON.stringify(problem)).not.toContain('secret')
})

test.each(['42501', 'P0001'])('%s makes the action unavailable', (code) => {
  expect(databaseProblem(failure(code), task)).toMatchObject({ code: 'action_unavailable', status: 422 })
})

test.each(['08006', '53300', '57P01', '57014', '55P03', '25006', '40P01', 'CONNECTION_CLOSED', 'CONNECT_TIMEOUT', 'ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND'])('%s is unavailable', (code) => {
  expect(databaseProblem(failure(code), task)).toMatchObject({ code: 'unavailable', status: 503, headers: { 'retry-after': '5' } })
})

test('what is our own fault stays what it is', () => {
  for (const error of [failure('42601'), failure('42804'), new TypeError('x'), null, 'x']) expect(databaseProblem(error, task)).toBe(error)
})

test('which transactions may be begun anew', () => {
  expect(['42703', '42P01', '0A000', '40001', '40P01', '23505'].map((code) => [isStaleSchema(failure(code)), isRepeatable(failure(code))]))
    .toEqual([[true, false], [true, false], [true, false], [false, true], [false, true], [false, false]])
})
