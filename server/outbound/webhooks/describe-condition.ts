import type { UnmetCondition } from '../../../shared/filter.js'

/** What is the case when a condition is not met. */
const NOT_MET: Readonly<Record<string, string>> = {
  equals: 'is not equal to',
  not_equals: 'is equal to',
  less_than: 'is not less than',
  less_or_equal: 'is not less than or equal to',
  greater_than: 'is not greater than',
  greater_or_equal: 'is not greater than or equal to',
  in: 'is none of',
  not_in: 'is one of',
  contains: 'does not contain',
  not_contains: 'contains',
  starts_with: 'does not start with',
  ends_with: 'does not end with'
}

/** Of many values, how many are named; of a long text, how many characters. */
const VALUES_NAMED = 10
const TEXT_SHOWN = 200

/** A filter's condition that an event did not meet, in words: `data.change is -5, which is not less than -10`. */
export function describeCondition ({ path, operator, value, actual }: UnmetCondition): string {
  if (operator === 'not_exists') return `${path} is ${inWords(actual)}, and was to have no value`
  if (isNothing(actual)) return `${path} has no value${operator === 'exists' ? '' : `, which ${NOT_MET[operator] ?? operator} ${inWords(value)}`}`
  return `${path} is ${inWords(actual)}, which ${NOT_MET[operator] ?? operator} ${inWords(value)}`
}

function isNothing (value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.every(isNothing))
}

function inWords (value: unknown): string {
  if (Array.isArray(value)) {
    const named = value.slice(0, VALUES_NAMED).map(inWords)
    return named.join(', ') + (value.length > named.length ? ` and ${value.length - named.length} more` : '')
  }
  const text = JSON.stringify(value)
  return text.length > TEXT_SHOWN ? `${text.slice(0, TEXT_SHOWN)}…` : text
}
