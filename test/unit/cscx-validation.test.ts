import { z } from 'zod'
import { ApiProblem } from '../../server/problem.js'
import { parseInput } from '../../server/validation.js'

function refused (schema: z.ZodType, value: unknown, prefix?: string): ApiProblem {
  try {
    throw new Error(`Accepted as ${JSON.stringify(parseInput(schema, value, prefix))}`)
  } catch (error) {
    if (error instanceof ApiProblem) return error
    throw error
  }
}

test('what is valid comes back as the schema makes it', () => {
  expect(parseInput(z.object({ limit: z.coerce.number().default(25), name: z.string().trim() }), { name: ' x ' })).toEqual({ limit: 25, name: 'x' })
})

test('every wrong field is named at once', () => {
  const schema = z.strictObject({ name: z.string(), list: z.array(z.object({ n: z.int().max(5) })), 'a/b~': z.boolean(), kind: z.enum(['x', 'y']) })
  const problem = refused(schema, { list: [{ n: 1 }, { n: 9 }, {}], 'a/b~': 1, kind: 'z', more: 1, other: 2 })
  expect([problem.code, problem.status]).toEqual(['validation_failed', 422])
  expect(problem.message).toBe('7 fields are not valid: name, list.1.n, list.2.n, a~1b~0, kind, more, other')
  expect(problem.errors).toEqual([
    { pointer: '/name', detail: 'This field is required', code: 'required' },
    { pointer: '/list/1/n', detail: 'Too big: expected number to be <=5', code: 'too_big' },
    { pointer: '/list/2/n', detail: 'This field is required', code: 'required' },
    { pointer: '/a~1b~0', detail: 'Expected boolean, received number', code: 'invalid_type' },
    { pointer: '/kind', detail: 'Invalid option: expected one of "x"|"y"', code: 'invalid_value' },
    { pointer: '/more', detail: 'There is no such field', code: 'unrecognized_keys' },
    { pointer: '/other', detail: 'There is no such field', code: 'unrecognized_keys' }
  ])
})

test('outside the body the pointer says where', () => {
  const problem = refused(z.object({ limit: z.coerce.number() }), { limit: 'x' }, '#query')
  expect([problem.message, problem.errors?.[0]?.pointer]).toEqual(['1 field is not valid: query.limit', '#query/limit'])
})

test.each([
  [z.union([z.string(), z.number(), z.null()]), {}, '', 'Expected string, number or null'],
  [z.union([z.literal('x'), z.int()]), true, '', 'Expected "x" or number'],
  [z.union([z.object({ a: z.string() }), z.array(z.string())]), { a: 1 }, '/a', 'Expected string, received number'],
  [z.union([z.iso.date(), z.iso.datetime()], { error: 'Give a date' }), 'x', '', 'Give a date'],
  [z.discriminatedUnion('k', [z.object({ k: z.literal('a') }), z.object({ k: z.literal('b') })]), { k: 'c' }, '/k', "Invalid discriminator value. Expected 'a' | 'b'"],
  [z.record(z.string().max(1), z.string()), { ab: 'x' }, '/ab', 'Too big: expected string to have <=1 characters'],
  [z.object({}).refine(() => false, { message: 'No', params: { code: 'own' } }), {}, '', 'No']
] as const)('one readable message: case %#', (schema, value, pointer, detail) => {
  expect(refused(schema, value).errors).toEqual([expect.objectContaining({ pointer, detail })])
})

test('text that Postgres cannot hold is refused wherever it stands', () => {
  const problem = refused(z.unknown(), JSON.parse('{"a":"x\\u0000","b":["ok","\\udfff"],"c\\u0000":1,"d":"\\ud83d\\ude42","e":{"__proto__":1}}'))
  expect(problem.errors?.map(({ pointer }) => pointer).sort()).toEqual(['/a', '/b/1', '/c\0', '/e/__proto__'])
})

test('an answer stays small whatever the question', () => {
  const wide = refused(z.array(z.number()), Array.from({ length: 100_000 }, () => 'x'))
  expect(wide.errors).toHaveLength(100)
  let deep: unknown = '\0'
  for (let level = 0; level < 100_000; level++) deep = [deep]
  expect(refused(z.unknown(), deep).errors?.[0]?.pointer.length).toBeLessThan(200)
  expect(refused(z.strictObject({}), { ['x'.repeat(100_000)]: 1 }).errors?.[0]?.pointer.length).toBeLessThan(300)
})
