import { z } from 'zod'
import type { FieldError } from '../../../shared/problem.js'
import { fieldsOf, operatorsFor, type FieldKind, type FilterField } from '../../../shared/filter-fields.js'
import type { Condition, Filter } from '../../../shared/filter.js'
import type { StoredCondition } from '../../db/schema/index.js'
import { predicateOf } from './filter-predicate.js'
import { nearestPaths } from './nearest-paths.js'

/** Paths that an answer names where none is near. */
const PATHS_NAMED = 12
/** Characters of a path that are repeated to whoever sent it. */
const PATH_SHOWN = 100

/**
 * Puts a filter into the form that is stored with its webhook. Only the database evaluates it (cscx_zapier.unmet_condition),
 * where events are fanned out.
 * @param filter One that {@link checkFilter} finds nothing wrong with, for these event types.
 * @throws Error when a path is none of the event types'.
 */
export function compileFilter (filter: Filter, eventTypes: readonly string[]): StoredCondition[] {
  const fields = fieldsOf(eventTypes[0] ?? '')
  return filter.map((condition) => {
    const field = fields.get(condition.path)
    if (!field) throw new Error(`There is no ${condition.path} in ${eventTypes.join(', ')}`)
    return { ...condition, ...predicateOf(condition, field) }
  })
}

/** A stored filter as its owner wrote it. */
export function viewFilter (stored: readonly StoredCondition[]): Filter {
  return stored.map(({ path, operator, value }) => ({ path, operator, ...(value === undefined ? {} : { value }) }) as Condition)
}

/**
 * Finds what keeps a filter from working for all of the event types: paths that their schemas lack, operators and values
 * that do not suit what is there. A path must be in every one of them, since events without it would silently never pass.
 * To be asked anew whenever the event types of a webhook change.
 * @returns for each condition at most one error, with a pointer such as `/filter/0/value`; none when the filter is sound.
 */
export function checkFilter (filter: Filter, eventTypes: readonly string[]): FieldError[] {
  return filter.flatMap((condition, index) => {
    const error = conditionError(condition, eventTypes)
    return error ? [{ ...error, pointer: `/filter/${index}${error.pointer}` }] : []
  })
}

function conditionError (condition: Condition, eventTypes: readonly string[]): FieldError | undefined {
  const { path, operator } = condition
  const fields = eventTypes.map((eventType) => fieldsOf(eventType).get(path))
  const field = fields.find((found) => found !== undefined)
  if (!field || fields.includes(undefined)) return { pointer: '/path', detail: missingPath(path, eventTypes), code: 'unknown_path' }
  const other = fields.findIndex((found) => found?.kind !== field.kind || found.elements !== field.elements)
  if (other !== -1) {
    return { pointer: '/path', detail: `${path} is ${aKind(field)} in ${eventTypes[0]} but ${aKind(fields[other] as FilterField)} in ${eventTypes[other]}: give each a webhook of its own`, code: 'ambiguous_path' }
  }
  const operators = operatorsFor(field)
  if (!operators.includes(operator)) {
    const hint = field.kind === 'list' && field.elements !== 'list' ? `; ${path}[*] stands for each of its elements` : ''
    return { pointer: '/operator', detail: `${path} is ${aKind(field)}, which takes ${operators.join(', ')}${hint}`, code: 'unsuitable_operator' }
  }
  return valueError(condition, fields as FilterField[])
}

function missingPath (path: string, eventTypes: readonly string[]): string {
  const shown = path.length > PATH_SHOWN ? `${path.slice(0, PATH_SHOWN)}…` : path
  const lacking = eventTypes.filter((eventType) => !fieldsOf(eventType).has(path))
  if (lacking.length < eventTypes.length) {
    return `${lacking.join(', ')} has no ${shown}, so its events could never be filtered by it: give that event type a webhook of its own`
  }
  const paths = [...new Set(eventTypes.flatMap((eventType) => [...fieldsOf(eventType).keys()]))]
  const near = nearestPaths(paths, shown)
  const hint = near.length > 0 ? `Did you mean ${near.join(' or ')}?` : `There are ${paths.slice(0, PATHS_NAMED).join(', ')}${paths.length > PATHS_NAMED ? ' …' : ''}`
  return `There is no ${shown} in ${eventTypes.join(', ')}. ${hint}`
}

/** What a value must be, for a kind of field; times and dates are told by their form. */
const VALUES: Readonly<Record<FieldKind, z.ZodType>> = {
  text: z.string(),
  number: z.number(),
  boolean: z.boolean(),
  // Postgres' first year is 1; midnight of a date is UTC's.
  time: z.union([z.iso.datetime({ offset: true }), z.iso.date()]).refine((text) => /^(?!0000)\d{4}-/.test(new Date(text).toISOString())),
  date: z.iso.date(),
  list: z.never(),
  object: z.never()
}

const NEEDED: Readonly<Record<FieldKind, string>> = {
  text: 'a text',
  number: 'a number',
  boolean: 'true or false',
  time: 'a time such as 2026-01-29T10:00:00Z or a date such as 2026-01-29',
  date: 'a date such as 2026-01-29',
  list: 'a list',
  object: 'an object'
}

function aKind ({ kind, elements }: FilterField): string {
  if (kind === 'list' && elements !== null) return `a list (each element ${NEEDED[elements].replace(/ such as.*/, '')})`
  return kind === 'boolean' ? 'a truth value' : NEEDED[kind].replace(/ such as.*/, '')
}

function valueError ({ path, operator, value }: Condition, fields: readonly FilterField[]): FieldError | undefined {
  const [field] = fields
  if (value === undefined || !field) return undefined
  const kind = field.kind === 'list' ? field.elements ?? 'text' : field.kind
  const isPart = operator === 'contains' || operator === 'not_contains' || operator === 'starts_with' || operator === 'ends_with'
  for (const [index, one] of [value].flat().entries()) {
    const pointer = Array.isArray(value) ? `/value/${index}` : '/value'
    if (!VALUES[kind].safeParse(one).success) return { pointer, detail: `${path} takes ${NEEDED[kind]}`, code: 'invalid_type' }
    const options = isPart ? undefined : fields.map((found) => found.options).find((found) => found !== null && !found.includes(String(one)))
    if (options) return { pointer, detail: `${path} is never that: it is one of ${options.join(', ')}`, code: 'invalid_value' }
  }
  return undefined
}
