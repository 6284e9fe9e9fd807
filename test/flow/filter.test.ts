import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import type { FieldKind, FilterField, Step } from '../../shared/filter-fields.js'
import type { Condition, Operator, UnmetCondition } from '../../shared/filter.js'
import { connect } from '../../server/db/client.js'
import { migrate } from '../../server/db/migrate.js'
import { compileFilter } from '../../server/outbound/webhooks/filter.js'
import { pathTo, predicateOf } from '../../server/outbound/webhooks/filter-predicate.js'
import { createDatabase, type TestDatabase } from '../helpers/postgres.js'

let real: TestDatabase
let embedded: postgres.Sql
let keeper: ChildProcess
let dataDir: string

/** The embedded database, in a process of its own: Jest's module registry cannot load PGlite. */
async function openEmbedded (): Promise<postgres.Sql> {
  dataDir = mkdtempSync(join(tmpdir(), 'cscx-filter-'))
  keeper = spawn(process.execPath, [join(__dirname, '..', 'fixtures', 'embedded.mjs'), dataDir], { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(keeper.stdout!, 'data')
  return postgres({ host: dataDir, port: 5432, username: 'postgres', database: 'postgres', max: 1, onnotice: () => {} })
}

beforeAll(async () => {
  real = await createDatabase({ baseline: false })
  const database = connect(real.url, 1)
  await migrate(database)
  await database.close()
  embedded = await openEmbedded()
})

afterAll(async () => {
  await embedded.end({ timeout: 1 })
  keeper.stdin!.end()
  await once(keeper, 'exit')
  rmSync(dataDir, { recursive: true, force: true })
  await real.drop()
})

type Asked = [stored: object, data: unknown]

/** What the function says of each, in both databases: they must agree. */
async function unmet (asked: Asked[]): Promise<Array<UnmetCondition | null>> {
  const answers = await Promise.all([real.sql, embedded].map(async (sql) => {
    const rows = await sql<Array<{ unmet: UnmetCondition | null }>>`
      select cscx_zapier.unmet_condition(jsonb_build_array(f::jsonb), d::jsonb) as unmet
      from unnest(${asked.map(([stored]) => JSON.stringify(stored))}::text[], ${asked.map(([, data]) => JSON.stringify(data))}::text[]) with ordinality as a(f, d, n) order by n`
    return rows.map((row) => row.unmet)
  }))
  expect(answers[1]).toEqual(answers[0])
  return answers[0]!
}

/** A condition on `data.x`, for which each kind of value can be tried. */
function stored (kind: FieldKind, operator: Operator, value: unknown, elements: FieldKind | null = null, steps: Step[] = [{ member: 'x' }]): object {
  const path = steps.includes('each') ? 'data.x[*]' : 'data.x'
  const condition = { path, operator, ...(value === undefined ? {} : { value }) } as Condition
  const field: FilterField = { path, steps, kind, elements, options: null, title: 'X', description: '' }
  return { ...condition, ...predicateOf(condition, field) }
}

type Row = [kind: FieldKind, operator: Operator, value: unknown, meets: unknown[], fails: unknown[]]

/** Stands for a member that is not there. */
const ABSENT = undefined

const TEXTS: Row[] = [
  ['text', 'equals', 'SMB', ['SMB'], ['smb', 'SMB ', '', null, ABSENT, 5, true, ['x'], {}]],
  ['text', 'not_equals', 'SMB', ['smb', '', null, ABSENT, 5], ['SMB']],
  ['text', 'in', ['SMB', 'Enterprise'], ['SMB', 'Enterprise'], ['smb', null, ABSENT]],
  ['text', 'not_in', ['SMB', 'Enterprise'], ['smb', null, ABSENT], ['SMB', 'Enterprise']],
  ['text', 'contains', 'a.C', ['A.c', 'xxa.cyy', 'x\na.c\ny'], ['abc', '', null, ABSENT, 5]],
  ['text', 'contains', 'Zürich', ['in ZÜRICH heute', 'zürich'], ['zurich']],
  ['text', 'not_contains', 'a.C', ['abc', '', null, ABSENT], ['A.c']],
  ['text', 'starts_with', '(?i)^x', ['(?i)^x', '(?I)^Xyz'], ['x', ' (?i)^x', 'y\n(?i)^x', null]],
  ['text', 'ends_with', '$1', ['costs $1', '$1'], ['$12', '$1\n', '$1\nx', null]],
  ['text', 'exists', undefined, ['x', ' ', '0'], ['', null, ABSENT]],
  ['text', 'not_exists', undefined, ['', null, ABSENT], ['x']]
]

const NUMBERS: Row[] = [
  ['number', 'equals', 5, [5, 5.0], [4.999, '5', null, ABSENT, true]],
  ['number', 'not_equals', 5, [4, null, ABSENT], [5]],
  ['number', 'equals', 0.1, [0.1], [0.1000000001]],
  ['number', 'less_than', -10, [-10.5, -11, -1e21], [-10, 0, 5, '-11', null, ABSENT]],
  ['number', 'less_or_equal', -10, [-10, -11], [-9.99]],
  ['number', 'greater_than', 1e21, [1.1e21], [1e21, 5, null]],
  ['number', 'greater_or_equal', 0, [0, 1], [-1, null, ABSENT]],
  ['number', 'in', [30, 60, 90], [30, 90], [7, '30', null]],
  ['number', 'not_in', [30, 60], [7, null, ABSENT], [30]],
  ['number', 'exists', undefined, [0, -1], [null, ABSENT]],
  ['boolean', 'equals', true, [true], [false, 'true', 1, null, ABSENT]],
  ['boolean', 'not_equals', true, [false, null, ABSENT], [true]],
  ['boolean', 'exists', undefined, [false, true], [null]]
]

const TIMES: Row[] = [
  ['time', 'equals', '2026-01-29T10:00:00Z', ['2026-01-29T10:00:00Z', '2026-01-29T10:00:00.000Z', '2026-01-29T12:00:00+02:00', '2026-01-29T10:00:00.000000000Z'], ['2026-01-29T10:00:00.001Z', 'soon', null, ABSENT]],
  ['time', 'less_than', '2026-01-29T12:00:00+02:00', ['2026-01-29T09:59:59.999Z', '2026-01-29T11:59:00.123456789+02:00'], ['2026-01-29T10:00:00.000Z', '2026-01-29T11:00:00Z', null, ABSENT]],
  ['time', 'less_or_equal', '2026-01-29', ['2026-01-29T00:00:00Z', '2026-01-28T23:00:00Z'], ['2026-01-29T00:00:00.001Z']],
  ['time', 'greater_than', '2026-01-29', ['2026-01-29T00:00:01Z', '2026-01-29T00:30:00-01:00'], ['2026-01-29T00:30:00+01:00', 'soon', '', null]],
  ['time', 'greater_or_equal', '2026-01-29', ['2026-01-29T00:00:00Z'], ['2026-01-28T23:59:59Z']],
  ['time', 'in', ['2026-01-29', '2026-01-30T00:00:00Z'], ['2026-01-30T01:00:00+01:00'], ['2026-01-31T00:00:00Z', null]],
  ['time', 'not_equals', '2026-01-29', ['2026-01-29T00:00:01Z', null, ABSENT], ['2026-01-29T00:00:00Z']],
  ['time', 'exists', undefined, ['2026-01-29T00:00:01Z'], [null, ABSENT]],
  ['date', 'equals', '2026-01-29', ['2026-01-29'], ['2026-01-30', null]],
  ['date', 'less_than', '2026-10-01', ['2026-09-30', '0999-12-31'], ['2026-10-01', '2026-11-01', null, ABSENT]],
  ['date', 'greater_or_equal', '2026-10-01', ['2026-10-01', '2027-01-01'], ['2026-09-30', null]]
]

const table: Row[] = [...TEXTS, ...NUMBERS, ...TIMES]

test.each(table)('%s %s %j', async (kind, operator, value, meets, fails) => {
  const condition = stored(kind, operator, value)
  const answers = await unmet([...meets, ...fails].map((x): Asked => [condition, { other: 1, x }]))
  expect(answers.map((answer) => answer === null)).toEqual([...meets.map(() => true), ...fails.map(() => false)])
})

test.each<[Operator, unknown, unknown[], unknown[]]>([
  ['contains', 'tier', [['tier'], ['arr', 'tier']], [['Tier'], ['tiers'], [], null, ABSENT]],
  ['not_contains', 'tier', [['arr'], [], null, ABSENT], [['arr', 'tier']]],
  ['exists', undefined, [['arr']], [[], null, ABSENT]],
  ['not_exists', undefined, [[], null, ABSENT], [['arr']]]
])('a list %s %j', async (operator, value, meets, fails) => {
  const condition = stored('list', operator, value, 'text')
  const answers = await unmet([...meets, ...fails].map((x): Asked => [condition, { x }]))
  expect(answers.map((answer) => answer === null)).toEqual([...meets.map(() => true), ...fails.map(() => false)])
})

test.each<[FieldKind, Operator, unknown, unknown[], unknown[]]>([
  ['text', 'in', ['tier', 'arr'], [['x', 'arr']], [['x'], [], null]],
  ['text', 'not_equals', 'arr', [['x'], [], null, ABSENT], [['x', 'arr']]],
  ['text', 'starts_with', 'renewal', [['x', 'Renewal_date']], [['x']]],
  ['number', 'greater_than', 10, [[1, 11]], [[1, 10], ['11'], []]],
  ['time', 'less_than', '2026-01-29', [['2026-02-01T00:00:00Z', '2026-01-01T00:00:00Z']], [['2026-02-01T00:00:00Z'], ['soon'], [], null]]
])('any element: %s %s %j', async (kind, operator, value, meets, fails) => {
  const condition = stored(kind, operator, value, null, [{ member: 'x' }, 'each'])
  const answers = await unmet([...meets, ...fails].map((x): Asked => [condition, { x }]))
  expect(answers.map((answer) => answer === null)).toEqual([...meets.map(() => true), ...fails.map(() => false)])
})

/** A generator of its own (mulberry32), so that every run tries the same. */
function hostileTexts (count: number): string[] {
  let state = 20_260_129
  const random = (below: number) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
  const pieces = ['"', '\'', '\\', '$', '@', '%', '_', '.', '*', '***', '***:', '(?i)', '[', ']', '[[:alpha:]]', '{', '}', '{2}', '(', ')', '|', '+', '?', '^', '-', '/', '//', '/*', '#', '\n', '\r', '\t', '\u0001', '\u001f', '\u007f', '\u2028', '\\u0041', '\\x41', '\\1', '\\d', 'A', 'z', '0', 'ä', 'ß', 'İ', 'ﬁ', '字', '🦊', '\u{10ffff}', '\ufeff', ' ', '";drop', '==', '&&', '$$', '{}', 'true', '" || true || "']
  return [...pieces, ...Array.from({ length: count }, () => Array.from({ length: 1 + random(8) }, () => pieces[random(pieces.length)]).join(''))]
}

describe('text is only ever text', () => {
  const texts = hostileTexts(600)

  test.each<[Operator, (text: string) => string, (text: string) => string]>([
    ['equals', (text) => text, (text) => `${text}x`],
    ['contains', (text) => `<${text}>`, () => '~~'],
    ['starts_with', (text) => `${text}>`, (text) => `~${text}`],
    ['ends_with', (text) => `<${text}`, (text) => `${text}~`]
  ])('%s', async (operator, meeting, failing) => {
    const answers = await unmet(texts.flatMap((text): Asked[] => [[stored('text', operator, text), { x: meeting(text) }], [stored('text', operator, text), { x: failing(text) }]]))
    expect(texts.filter((_text, index) => answers[2 * index] !== null)).toEqual([])
    expect(texts.filter((_text, index) => answers[2 * index + 1] === null)).toEqual([])
  })

  test('in a list', async () => {
    const lists = Array.from({ length: texts.length - 100 }, (_, index) => texts.slice(index, index + 100))
    const answers = await unmet(lists.flatMap((list): Asked[] => [[stored('text', 'in', list), { x: list[99] }], [stored('text', 'in', list), { x: '~~' }]]))
    expect(answers.filter((_answer, index) => index % 2 === 0).every((answer) => answer === null)).toBe(true)
    expect(answers.filter((_answer, index) => index % 2 === 1).every((answer) => answer !== null)).toBe(true)
  })

  test('as the name of a member', async () => {
    const rows = await Promise.all([real.sql, embedded].map(async (sql) => await sql<Array<{ found: number }>>`
      select jsonb_path_query_first(d::jsonb, p::jsonpath)::int as found
      from unnest(${texts.map((text) => pathTo([{ member: text }]))}::text[], ${texts.map((text) => JSON.stringify({ [text]: 1 }))}::text[]) as a(p, d)`))
    for (const found of rows) expect(found.every((row) => row.found === 1)).toBe(true)
  })
})

describe('what is recorded of an unmet condition', () => {
  const scores = (filter: Condition[]) => compileFilter(filter, ['health_score.changed'])

  test('the first one that does not hold: what was asked, and what was there', async () => {
    const filter = scores([{ path: 'data.segment', operator: 'equals', value: 'SMB' }, { path: 'data.change', operator: 'less_than', value: -10 }, { path: 'data.arr', operator: 'exists' }])
    const [row] = await real.sql<Array<{ a: unknown, b: unknown, c: unknown, d: unknown }>>`
      with f as (select ${JSON.stringify(filter)}::text::jsonb as f)
      select cscx_zapier.unmet_condition(f, '{"segment": "SMB", "change": -23, "arr": 5}') as a,
        cscx_zapier.unmet_condition(f, '{"segment": "SMB", "change": -5, "arr": null}') as b,
        cscx_zapier.unmet_condition(f, '{"segment": "SMB", "change": -23, "arr": null}') as c,
        cscx_zapier.unmet_condition(f, '{}') as d from f`
    expect(row).toEqual({
      a: null,
      b: { path: 'data.change', operator: 'less_than', value: -10, actual: -5 },
      c: { path: 'data.arr', operator: 'exists', actual: null },
      d: { path: 'data.segment', operator: 'equals', value: 'SMB' }
    })
  })

  test('long values are cut, and a path through a list tells all that was there', async () => {
    const long = 'ä'.repeat(20_000)
    const answers = await unmet([
      [stored('text', 'equals', 'x'), { x: long }],
      [stored('text', 'in', Array(100).fill('y'.repeat(500))), { x: 'z' }],
      [stored('text', 'equals', 'x', null, [{ member: 'x' }, 'each']), { x: ['a', 'b'] }],
      [stored('list', 'contains', 'x', 'text'), { x: ['a', 'b'] }]
    ])
    expect(answers[0]).toEqual({ path: 'data.x', operator: 'equals', value: 'x', actual: 'ä'.repeat(1000) + '…' })
    expect((answers[1]!.value as string).length).toBe(1001)
    expect(answers[2]).toMatchObject({ path: 'data.x[*]', actual: ['a', 'b'] })
    expect(answers[3]).toMatchObject({ path: 'data.x', actual: ['a', 'b'] })
  })
})
