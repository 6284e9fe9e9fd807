import type { z } from 'zod'
import type { FieldError } from '../shared/problem.js'
import { ApiProblem } from './problem.js'

/** Most wrong fields that one answer names. */
const ERRORS_MAX = 100
/** Longest member name that is repeated to the caller, in characters. */
const NAME_MAX = 200
/** Levels of nesting that a pointer tells of: enough for any schema of ours. */
const DEPTH_MAX = 50

type Issue = z.core.$ZodIssue
type Path = readonly PropertyKey[]

/** A JSON Pointer (RFC 6901 §3) to a member; names and paths of absurd length are cut. */
function pointerTo (prefix: string, path: Path): string {
  const segment = (name: string) => name.length > NAME_MAX ? `${name.slice(0, NAME_MAX)}…` : name
  return prefix + path.slice(0, DEPTH_MAX).map((name) => '/' + segment(String(name)).replace(/\p{Surrogate}/gu, '\uFFFD').replaceAll('~', '~0').replaceAll('/', '~1')).join('')
}

function valueAt (value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, name) => typeof at === 'object' && at !== null && Object.hasOwn(at, name) ? (at as Record<PropertyKey, unknown>)[name] : undefined, value)
}

/** A union's branch that the value is of quite another kind for: it tells nothing about what is wrong inside. */
function mismatched (branch: readonly Issue[]): boolean {
  return branch.some((issue) => issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value'))
}

function expectation (issue: Issue): string[] {
  if (issue.code === 'invalid_type') return [issue.expected]
  return issue.code === 'invalid_value' ? issue.values.map((value) => JSON.stringify(value)) : []
}

/** Replaces a union's issue by those of the branch that the value came closest to; one about its kind stays. */
function unfold (issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union' || issue.message !== 'Invalid input') return [issue]
  const [closest] = issue.errors.filter((branch) => !mismatched(branch)).sort((a, b) => a.length - b.length)
  if (closest) return closest.flatMap((inner) => unfold({ ...inner, path: [...issue.path, ...inner.path] }))
  const expected = [...new Set(issue.errors.flat().flatMap(expectation))]
  return [{ ...issue, message: expected.length === 0 ? issue.message : `Expected ${expected.join(', ').replace(/, ([^,]+)$/, ' or $1')}` }]
}

function sentence (message: string): string {
  const rest = message.replace(/^Invalid input: /, '')
  return rest.charAt(0).toUpperCase() + rest.slice(1)
}

function toErrors (issue: Issue, value: unknown, prefix: string): FieldError[] {
  const pointer = pointerTo(prefix, issue.path)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ pointer: pointerTo(prefix, [...issue.path, key]), detail: 'There is no such field', code: issue.code }))
  }
  if (issue.code === 'invalid_type' && issue.path.length > 0 && valueAt(value, issue.path) === undefined) {
    return [{ pointer, detail: 'This field is required', code: 'required' }]
  }
  if (issue.code === 'invalid_key') return [{ pointer, detail: sentence(issue.issues[0]?.message ?? issue.message), code: issue.code }]
  const code = issue.code === 'custom' && typeof issue.params?.['code'] === 'string' ? issue.params['code'] : issue.code
  return [{ pointer, detail: sentence(issue.message), code }]
}

const storable = (text: string) => !text.includes('\0') && !/\p{Surrogate}/u.test(text)

/** A value and the way to it, from the innermost name outwards: nesting may be deep, so paths are spelled out for errors only. */
interface Place {
  value: unknown
  name: string
  parent: Place | undefined
}

function pathOf (place: Place): string[] {
  const path: string[] = []
  for (let at = place; at.parent !== undefined; at = at.parent) path.push(at.name)
  return path.reverse()
}

/**
 * Finds text that Postgres cannot hold: U+0000 (PostgreSQL manual §8.3) and lone surrogates, which have no UTF-8.
 * Also members named `__proto__`, which objects built from the value would lose.
 */
function unstorable (value: unknown, prefix: string): FieldError[] {
  const errors: FieldError[] = []
  const refuse = (place: Place, detail: string, code: string) => errors.push({ pointer: pointerTo(prefix, pathOf(place)), detail, code })
  const waiting: Place[] = [{ value, name: '', parent: undefined }]
  for (let place = waiting.pop(); place !== undefined && errors.length < ERRORS_MAX; place = waiting.pop()) {
    const { value: found, name } = place
    if (name === '__proto__' || !storable(name)) {
      refuse(place, 'A field may not be called that', 'invalid_key')
    } else if (typeof found === 'string' && !storable(found)) {
      refuse(place, 'Text may hold neither U+0000 nor half of a surrogate pair', 'invalid_text')
    } else if (typeof found === 'object' && found !== null) {
      for (const [member, inner] of Object.entries(found)) waiting.push({ value: inner, name: member, parent: place })
    }
  }
  return errors
}

/** One answer about all of the wrong fields. @param errors At least one. */
export function invalidFields (errors: readonly FieldError[]): ApiProblem {
  const named = errors.slice(0, 10).map(({ pointer }) => pointer.replace(/^#?\/?/, '').replaceAll('/', '.') || 'the body')
  const more = errors.length > named.length ? ' …' : ''
  const count = errors.length === 1 ? '1 field is' : `${errors.length} fields are`
  return new ApiProblem('validation_failed', `${count} not valid: ${named.join(', ')}${more}`, { errors: [...errors] })
}

/**
 * Validates what came from outside against a schema.
 * @param prefix What pointers begin with: empty for the body, `#query` or `#headers` outside it.
 * @returns what the schema makes of the value.
 * @throws ApiProblem `validation_failed` that names every wrong field (up to 100), unknown ones too, each with a JSON
 *   Pointer (RFC 6901) and zod's code, or `required` where a field is missing.
 */
export function parseInput<S extends z.ZodType> (schema: S, value: unknown, prefix = ''): z.output<S> {
  const result = schema.safeParse(value)
  const issues = result.error?.issues ?? []
  const found = [...issues.flatMap(unfold).flatMap((issue) => toErrors(issue, value, prefix)), ...unstorable(value, prefix)]
  // One error a field: of several the first, which is zod's.
  const errors = [...new Map(found.toReversed().map((error) => [error.pointer, error])).values()].toReversed()
  if (errors.length > 0 || !result.success) throw invalidFields(errors.slice(0, ERRORS_MAX))
  return result.data
}
