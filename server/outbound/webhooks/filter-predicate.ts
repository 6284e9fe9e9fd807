import type { FilterField, Step } from '../../../shared/filter-fields.js'
import type { Condition, Operator } from '../../../shared/filter.js'

/*
 * Conditions as jsonpath (PostgreSQL manual §9.16.2, lax mode). Each becomes `exists(path ? (test))`, or the negation of
 * that: unlike a bare comparison it is never unknown, whatever is at the path, and a list counts by its elements.
 */

/** Operators that hold exactly when another one does not. */
const OPPOSITES: Readonly<Partial<Record<Operator, Operator>>> = { not_equals: 'equals', not_in: 'in', not_contains: 'contains', not_exists: 'exists' }

/** A condition for the database to evaluate (see cscx_zapier.unmet_condition). */
export interface Predicate {
  /** What must be true of an event's data. */
  jsonpath: string
  /** The way to the values that it is about. */
  at: string
  /** There when those values are times: the predicate sees them as `$times`, which the database has put into one spelling. */
  times?: true
}

/** @param condition One that suits the field. */
export function predicateOf (condition: Condition, field: FilterField): Predicate {
  const opposite = OPPOSITES[condition.operator]
  const at = pathTo(field.steps)
  const isAboutTimes = field.kind === 'time' && condition.value !== undefined
  const test = testOf(opposite ?? condition.operator, condition, field)
  const jsonpath = `${opposite ? '!' : ''}exists(${isAboutTimes ? '$times[*]' : at} ? (${test}))`
  return { jsonpath, at, ...(isAboutTimes ? { times: true } : {}) }
}

/** The jsonpath to a field of an event's data. */
export function pathTo (steps: readonly Step[]): string {
  return '$' + steps.map((step) => step === 'each' ? '[*]' : `.${quote(step.member)}`).join('')
}

/** What one value at the path, `@`, is asked. */
function testOf (operator: Operator, { value }: Condition, { kind }: FilterField): string {
  const operand = kind === 'time' ? '@.datetime()' : '@'
  const isOneOf = () => [value].flat().map((one) => `${operand} == ${literal(one, kind)}`).join(' || ')
  const matches = (pattern: string) => `@ like_regex ${quote(pattern)}`
  switch (operator) {
    case 'exists': return '@ != null && (@.type() != "string" || @ != "")'
    case 'contains': return kind === 'list' ? isOneOf() : matches(anyCase(value))
    case 'starts_with': return matches(`^${anyCase(value)}`)
    case 'ends_with': return matches(`${anyCase(value)}$`)
    case 'less_than': return `${operand} < ${literal(value, kind)}`
    case 'less_or_equal': return `${operand} <= ${literal(value, kind)}`
    case 'greater_than': return `${operand} > ${literal(value, kind)}`
    case 'greater_or_equal': return `${operand} >= ${literal(value, kind)}`
    default: return isOneOf()
  }
}

function literal (value: unknown, kind: FilterField['kind']): string {
  if (typeof value !== 'string') return JSON.stringify(value)
  return kind === 'time' ? `${quote(new Date(value).toISOString().replace('Z', '+00:00'))}.datetime()` : quote(value)
}

/** A string of jsonpath: it has JavaScript's escapes, and so JSON's. The text holds neither U+0000 nor lone surrogates, as no request's does. */
function quote (text: string): string {
  return JSON.stringify(text)
}

/**
 * A regular expression that matches exactly the text, in upper or lower case. Cases are spelled out, since like_regex'
 * own flag for it goes by the database's locale, and in C knows no letters but ASCII's.
 */
function anyCase (text: unknown): string {
  return [...String(text)].map((character) => {
    const cases = [...new Set([character, character.toLowerCase(), character.toUpperCase()])].filter((form) => [...form].length === 1)
    return cases.length > 1 ? `[${cases.join('')}]` : character.replace(/[\\^$.|?*+()[\]{}]/, '\\$&')
  }).join('')
}
