import { z } from 'zod'
import { events } from '../../shared/catalogue/index.js'
import { commonFields, fieldsOf, fieldsOfSchema, operatorsFor } from '../../shared/filter-fields.js'
import { Filter, Operator } from '../../shared/filter.js'
import { describeCondition } from '../../server/outbound/webhooks/describe-condition.js'
import { checkFilter, compileFilter, viewFilter } from '../../server/outbound/webhooks/filter.js'
import { parseInput } from '../../server/validation.js'
import type { ApiProblem } from '../../server/problem.js'

const SCORE = ['health_score.changed']

function refusal (input: unknown): Array<[pointer: string, code: string]> {
  try {
    parseInput(z.strictObject({ filter: Filter }), { filter: input })
    return []
  } catch (error) {
    return ((error as ApiProblem).errors ?? []).map(({ pointer, code }) => [pointer, code])
  }
}

describe('the form of a filter', () => {
  test.each([
    [[], [['/filter', 'too_small']]],
    [Array(21).fill({ path: 'data.change', operator: 'exists' }), [['/filter', 'too_big']]],
    [[{ path: 'data.change', operator: 'less_than' }], [['/filter/0/value', 'required']]],
    [[{ path: 'data.change', operator: 'exists', value: 1 }], [['/filter/0/value', 'not_allowed']]],
    [[{ path: 'data.change', operator: 'equals', value: [1] }], [['/filter/0/value', 'invalid_type']]],
    [[{ path: 'data.change', operator: 'in', value: 1 }], [['/filter/0/value', 'invalid_type']]],
    [[{ path: 'data.change', operator: 'in', value: [] }], [['/filter/0/value', 'too_small']]],
    [[{ path: 'data.change', operator: 'in', value: Array(101).fill(1) }], [['/filter/0/value', 'too_big']]],
    [[{ path: 'data.segment', operator: 'contains', value: '' }], [['/filter/0/value', 'too_small']]],
    [[{ path: 'data.segment', operator: 'equals', value: 'a\0' }], [['/filter/0/value', 'invalid_text']]],
    [[{ path: 'data.segment', operator: 'equals', value: '\ud800' }], [['/filter/0/value', 'invalid_text']]],
    [[{ path: 'data.segment', operator: 'like', value: 'x' }], [['/filter/0/operator', 'invalid_value']]],
    [[{ path: 'data.segment', operator: 'exists', jsonpath: 'true' }], [['/filter/0/jsonpath', 'unrecognized_keys']]],
    [[{ path: 'data.change', operator: 'less_than', value: -10 }, { path: 'data.segment', operator: 'in', value: ['SMB', 'Enterprise'] }], []]
  ])('%j', (input, errors) => expect(refusal(input)).toEqual(errors))
})

describe('the fields of event types', () => {
  test.each(events.map((event) => [event.name, event] as const))('%s: every member of its data is one, with a kind and operators', (name, event) => {
    const fields = fieldsOf(name)
    expect([...fields.keys()]).toEqual(expect.arrayContaining(Object.keys(event.data.shape).map((member) => `data.${member}`)))
    for (const field of fields.values()) {
      expect(operatorsFor(field)).toEqual(expect.arrayContaining(['exists', 'not_exists']))
      expect(field.title).toMatch(/\S/)
    }
  })

  test('kinds, choices and elements are those of the schema', () => {
    const fields = fieldsOf('customer.updated')
    expect(fields.get('data.arr')).toMatchObject({ kind: 'number', title: 'ARR' })
    expect(fields.get('data.renewal_date')).toMatchObject({ kind: 'date' })
    expect(fields.get('data.created_at')).toMatchObject({ kind: 'time' })
    expect(fields.get('data.changed_fields')).toMatchObject({ kind: 'list', elements: 'text' })
    expect(fields.get('data.changed_fields[*]')).toMatchObject({ kind: 'text', elements: null, title: 'Changed Fields' })
    expect(fieldsOf('health_score.changed').get('data.trend')).toMatchObject({ kind: 'text', options: ['improving', 'declining', 'stable'] })
    expect(fieldsOf('no.such_type').size).toBe(0)
  })

  test('nested members and lists of objects are found', () => {
    const schema = z.object({ owner: z.object({ name: z.string().nullable() }), items: z.array(z.object({ price: z.number() })), open: z.record(z.string(), z.unknown()), any: z.unknown() })
    const fields = fieldsOfSchema(z.toJSONSchema(schema))
    expect(fields.map(({ path, kind }) => [path, kind])).toEqual([
      ['data.owner', 'object'], ['data.owner.name', 'text'], ['data.items', 'list'], ['data.items[*]', 'object'], ['data.items[*].price', 'number'], ['data.open', 'object']
    ])
    expect(operatorsFor(fields[2]!)).toEqual(['exists', 'not_exists'])
    expect(fields[4]!.steps).toEqual([{ member: 'items' }, 'each', { member: 'price' }])
  })

  test('what several event types have in common can be filtered by', () => {
    const paths = commonFields(['task.created', 'customer.updated']).map(({ path }) => path)
    expect(paths).toEqual(expect.arrayContaining(['data.customer_name', 'data.origin', 'data.status']))
    expect(paths).not.toContain('data.due_date')
    expect(paths).not.toContain('data.changed_fields')
    expect(commonFields([])).toEqual([])
  })
})

describe('a filter that could not work is refused', () => {
  const errors = (condition: unknown, eventTypes = SCORE) => checkFilter([condition] as Filter, eventTypes)

  test.each([
    ['data.chnge', 'There is no data.chnge in health_score.changed. Did you mean data.change?'],
    ['change', 'There is no change in health_score.changed. Did you mean data.change?'],
    ['data.newScore', 'There is no data.newScore in health_score.changed. Did you mean data.new_score?'],
    ['zzzzzzzzzz', 'There is no zzzzzzzzzz in health_score.changed. There are data.customer_id, data.customer_name, data.previous_score, data.new_score, data.change, data.trend, data.csm_email, data.segment, data.arr, data.origin, data.origin_id'],
    ['__proto__', expect.stringContaining('There is no __proto__')],
    [`data.${'x'.repeat(490)}`, expect.stringMatching(/^There is no data\.x{95}… in /)]
  ])('unknown path %s', (path, detail) => {
    expect(errors({ path, operator: 'exists' })).toEqual([{ pointer: '/filter/0/path', detail, code: 'unknown_path' }])
  })

  test('a path that not all of its event types have', () => {
    expect(errors({ path: 'data.change', operator: 'exists' }, ['health_score.changed', 'customer.updated'])).toEqual([
      { pointer: '/filter/0/path', detail: 'customer.updated has no data.change, so its events could never be filtered by it: give that event type a webhook of its own', code: 'unknown_path' }
    ])
    expect(errors({ path: 'data.customer_name', operator: 'exists' }, ['health_score.changed', 'customer.updated'])).toEqual([])
  })

  test.each([
    ['data.segment', 'less_than', 'x', '/filter/0/operator', 'unsuitable_operator', /a text, which takes equals/],
    ['data.change', 'contains', '1', '/filter/0/operator', 'unsuitable_operator', /a number, which takes/],
    ['data.change', 'less_than', '-10', '/filter/0/value', 'invalid_type', 'data.change takes a number'],
    ['data.change', 'in', [1, 'x'], '/filter/0/value/1', 'invalid_type', 'data.change takes a number'],
    ['data.segment', 'equals', 5, '/filter/0/value', 'invalid_type', 'data.segment takes a text'],
    ['data.trend', 'equals', 'falling', '/filter/0/value', 'invalid_value', 'data.trend is never that: it is one of improving, declining, stable'],
    ['data.trend', 'not_in', ['stable', 'Stable'], '/filter/0/value/1', 'invalid_value', /never/]
  ])('%s %s %j', (path, operator, value, pointer, code, detail) => {
    expect(errors({ path, operator, value })).toEqual([{ pointer, code, detail: typeof detail === 'string' ? detail : expect.stringMatching(detail) }])
  })

  test.each([
    ['data.created_at', '2026-01-29 10:00'], ['data.created_at', '0000-01-01T00:00:00Z'], ['data.created_at', '9999-12-31T23:59:59-05:00'], ['data.created_at', '2026-02-30'],
    ['data.created_at', 5], ['data.renewal_date', '2026-01-29T10:00:00Z'], ['data.renewal_date', 'soon']
  ])('%s less_than %j', (path, value) => {
    expect(errors({ path, operator: 'less_than', value }, ['customer.updated'])).toMatchObject([{ pointer: '/filter/0/value', code: 'invalid_type' }])
  })

  test('a list takes contains; its elements are a path of their own', () => {
    expect(errors({ path: 'data.changed_fields', operator: 'in', value: ['tier'] }, ['customer.updated'])).toMatchObject([
      { pointer: '/filter/0/operator', detail: expect.stringContaining('data.changed_fields[*] stands for each of its elements') as string }
    ])
    expect(errors({ path: 'data.changed_fields[*]', operator: 'in', value: ['tier'] }, ['customer.updated'])).toEqual([])
    expect(errors({ path: 'data.changed_fields', operator: 'contains', value: 'tier' }, ['customer.updated'])).toEqual([])
    expect(errors({ path: 'data.trend', operator: 'contains', value: 'ing' })).toEqual([])
    expect(errors({ path: 'data.created_at', operator: 'less_than', value: '2026-01-29T10:00:00+02:00' }, ['customer.updated'])).toEqual([])
    expect(errors({ path: 'data.created_at', operator: 'less_than', value: '2026-01-29' }, ['customer.updated'])).toEqual([])
  })

  test('each wrong condition is named', () => {
    const wrong = checkFilter([{ path: 'data.nope', operator: 'exists' }, { path: 'data.change', operator: 'exists' }, { path: 'data.change', operator: 'equals', value: 'x' }], SCORE)
    expect(wrong.map(({ pointer }) => pointer)).toEqual(['/filter/0/path', '/filter/2/value'])
  })
})

test('what is stored shows as it was written', () => {
  const filter: Filter = [{ path: 'data.change', operator: 'less_than', value: -10 }, { path: 'data.segment', operator: 'exists' }, { path: 'data.trend', operator: 'in', value: ['stable'] }]
  expect(viewFilter(compileFilter(filter, SCORE))).toEqual(filter)
  expect(() => compileFilter([{ path: 'data.nope', operator: 'exists' }], SCORE)).toThrow('data.nope')
})

describe('what an event did not meet, in words', () => {
  test.each([
    [{ path: 'data.change', operator: 'less_than', value: -10, actual: -5 }, 'data.change is -5, which is not less than -10'],
    [{ path: 'data.change', operator: 'less_than', value: -10, actual: null }, 'data.change has no value, which is not less than -10'],
    [{ path: 'data.change', operator: 'less_than', value: -10 }, 'data.change has no value, which is not less than -10'],
    [{ path: 'data.segment', operator: 'equals', value: 'SMB', actual: 'Enterprise' }, 'data.segment is "Enterprise", which is not equal to "SMB"'],
    [{ path: 'data.segment', operator: 'not_in', value: ['SMB', 'x'], actual: 'SMB' }, 'data.segment is "SMB", which is one of "SMB", "x"'],
    [{ path: 'data.segment', operator: 'exists', actual: '' }, 'data.segment has no value'],
    [{ path: 'data.changed_fields', operator: 'exists', actual: [] }, 'data.changed_fields has no value'],
    [{ path: 'data.segment', operator: 'not_exists', actual: 'SMB' }, 'data.segment is "SMB", and was to have no value'],
    [{ path: 'data.changed_fields', operator: 'contains', value: 'arr', actual: ['tier', 'stage'] }, 'data.changed_fields is "tier", "stage", which does not contain "arr"'],
    [{ path: 'data.x', operator: 'in', value: Array.from({ length: 12 }, (_, n) => n), actual: 99 }, 'data.x is 99, which is none of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more'],
    [{ path: 'data.x', operator: 'equals', value: 'y', actual: 'x'.repeat(900) }, `data.x is "${'x'.repeat(199)}…, which is not equal to "y"`]
  ])('%j', (unmet, words) => expect(describeCondition(unmet)).toBe(words))

  test('there are words for every operator', () => {
    for (const operator of Operator.options) {
      const actual = operator === 'exists' ? null : 2
      expect(describeCondition({ path: 'data.x', operator, value: 1, actual })).not.toContain(operator)
    }
  })
})
