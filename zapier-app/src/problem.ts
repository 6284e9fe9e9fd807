import type { HttpResponse, ZObject } from 'zapier-platform-core'
import { Problem, type Candidate, type FieldError } from '../../shared/problem.js'

const ERRORS_MAX = 20
const CANDIDATES_MAX = 10
/** Longest part of a message that is taken from an answer, in characters. */
const PART_MAX = 300

/** The labels of an action's fields by key, which a request carries as `middlewareData` so that errors can use the user's words. */
export interface FieldLabels {
  labels?: Record<string, string>
}

/**
 * Throws what Zapier understands for an answer of 400 and above; otherwise does nothing. Never reached for 401 (core
 * refreshes the token) and 429 (core throttles by Retry-After).
 * @throws `z.errors.HaltedError` for requests that would fail again: the run stops, the Zap stays on, and the user reads why.
 * @throws `z.errors.Error` for failures on our side, which Zapier replays.
 */
export function throwForProblem (response: HttpResponse, z: ZObject): void {
  const { status } = response
  if (status < 400) return
  const problem = Problem.safeParse(response.data)
  const { labels = {} } = (response.request.middlewareData ?? {}) as FieldLabels
  const message = problem.success ? describeProblem(problem.data, labels) : `CSCX answered with status ${status}.`
  const isTransient = status >= 500 || status === 408 || status === 425
  if (isTransient) throw new z.errors.Error(message, problem.data?.code ?? 'unavailable', status)
  throw new z.errors.HaltedError(message)
}

/** A problem in words: every wrong field with the reason, and the customers that might have been meant. */
export function describeProblem (problem: Problem, labels: Readonly<Record<string, string>> = {}): string {
  const { errors = [], candidates = [] } = problem
  const parts = errors.length > 0 ? [problem.title, describeErrors(errors, labels)] : [problem.detail ?? problem.title]
  if (candidates.length > 0) parts.push(describeCandidates(candidates, problem.code))
  if (problem.code === 'insufficient_scope') parts.push('Reconnect CSCX.AI in Zapier to grant more.')
  return parts.map(sentence).join(' ')
}

function describeErrors (errors: readonly FieldError[], labels: Readonly<Record<string, string>>): string {
  const lines = errors.map(({ pointer, detail }) => [fieldName(pointer, labels), clip(detail)].filter(Boolean).join(': '))
  return enumerate(lines, ERRORS_MAX)
}

function describeCandidates (candidates: readonly Candidate[], code: string): string {
  const names = candidates.map(({ customer_id: id, customer_name: name, domain }) =>
    `${clip(name ?? 'a customer without name')} (${domain === null ? '' : `${clip(domain)}, `}ID ${clip(id)})`)
  const list = enumerate(names, CANDIDATES_MAX)
  return code === 'customer_ambiguous' ? `Give the Customer ID of one of these: ${list}` : `Close to it: ${list}`
}

/** `/due_date` becomes `Due Date (due_date)`; a pointer to the whole body has no name. RFC 6901 §3: ~1 stands for /, ~0 for ~. */
function fieldName (pointer: string, labels: Readonly<Record<string, string>>): string {
  const path = pointer.replace(/^#?\//, '').split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  const name = clip(path.join('.').replace(/^#/, ''))
  const label = Object.hasOwn(labels, path[0] as string) ? labels[path[0] as string] : undefined
  return label === undefined ? name : `${label} (${name})`
}

function enumerate (items: readonly string[], max: number): string {
  const rest = items.length - max
  return items.slice(0, max).join('; ') + (rest > 0 ? `; and ${rest} more` : '')
}

function clip (text: string): string {
  return text.length > PART_MAX ? `${text.slice(0, PART_MAX)}…` : text
}

function sentence (text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`
}
