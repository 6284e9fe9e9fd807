import type { z } from 'zod'
import type { Scope } from '../scopes.js'

export interface ActionInput<Name extends string, I extends z.ZodObject, O extends z.ZodObject> {
  /** snake_case verb and record; also the create's key in the Zapier app. */
  name: Name
  /** Title Case (Zapier D018). */
  label: string
  noun: string
  /** A sentence: what is written. */
  description: string
  method: 'POST' | 'PUT'
  /** Route; a `{field}` in it is a member of the input, and is not part of the body. */
  path: string
  scope: Scope
  /** Tables of which at least one must exist for the action to work, in order of preference. */
  tables: readonly string[]
  input: I
  output: O
  sample: { input: z.input<I>, output: z.output<O> }
}

export type ActionDefinition<Name extends string = string, I extends z.ZodObject = z.ZodObject, O extends z.ZodObject = z.ZodObject> =
  Readonly<ActionInput<Name, I, O>>

/**
 * Declares an action: a validated write into CSCX.
 * @throws ZodError at load when a sample does not satisfy its schema.
 */
export function defineAction<const Name extends string, I extends z.ZodObject, O extends z.ZodObject> (
  action: ActionInput<Name, I, O>
): ActionDefinition<Name, I, O> {
  action.input.parse(action.sample.input)
  action.output.strict().parse(action.sample.output)
  return Object.freeze(action)
}

/** Names of the input's members that stand in the path rather than in the body. */
export function pathFields (action: Pick<ActionDefinition, 'path'>): string[] {
  return [...action.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] as string)
}
