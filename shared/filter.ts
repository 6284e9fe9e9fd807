import { z } from 'zod'
import { LINE_MAX } from './catalogue/fields.js'

/** Most conditions of a filter. */
export const CONDITIONS_MAX = 20
/** Most values of `in` and `not_in`. */
export const VALUES_MAX = 100

/**
 * What a condition may ask.
 * - `equals`, `in`: the same number, truth value, time or text; text exactly, case included.
 * - `less_than`, `less_or_equal`, `greater_than`, `greater_or_equal`: numbers, times and dates; less is earlier.
 * - `contains`, `starts_with`, `ends_with`: text, whatever its case. `contains` of a list: one of its elements equals the value.
 * - `exists`: there is something: null, an empty text and an empty list are nothing.
 * - `not_…`: holds exactly when its counterpart does not, and so also where there is nothing.
 *
 * Names and rules of case are those of Zapier's filters, so that a filter can move from a Zap to here.
 */
export const Operator = z.enum([
  'equals', 'not_equals', 'less_than', 'less_or_equal', 'greater_than', 'greater_or_equal', 'in', 'not_in',
  'contains', 'not_contains', 'starts_with', 'ends_with', 'exists', 'not_exists'
])
export type Operator = z.infer<typeof Operator>

const Text = z.string().min(1, 'Empty: to ask for nothing, use not_exists').max(LINE_MAX)
const Single = [Text, z.number(), z.boolean()] as const
const List = z.array(z.union([Text, z.number()])).min(1).max(VALUES_MAX)

/** One condition on an event's data. */
export const Condition = z.strictObject({
  path: z.string().min(1).max(LINE_MAX).meta({ title: 'Path', description: 'A member of the event\'s data, such as data.change. `[*]` stands for each element of a list: data.changed_fields[*].' }),
  operator: Operator.meta({ title: 'Operator', description: 'How they compare. Text compares exactly, but contains, starts_with and ends_with ignore case. A not_… operator holds also where there is no value.' }),
  value: z.union([...Single, List]).optional().meta({ title: 'Value', description: 'What to compare with: a text, a number, true or false; a list for in and not_in; none for exists and not_exists. Times are ISO 8601 with time zone, or a date: its midnight in UTC.' })
}).superRefine(({ operator, value }, { addIssue }) => {
  const refuse = (message: string, code: string) => addIssue({ code: 'custom', path: ['value'], message, params: { code } })
  if (operator === 'exists' || operator === 'not_exists') {
    if (value !== undefined) refuse(`${operator} takes no value`, 'not_allowed')
  } else if (value === undefined) {
    refuse('This field is required', 'required')
  } else if (Array.isArray(value) !== (operator === 'in' || operator === 'not_in')) {
    refuse(Array.isArray(value) ? `${operator} takes a single value: for a list, use in or not_in` : `${operator} takes a list`, 'invalid_type')
  }
})
export type Condition = z.output<typeof Condition>

/**
 * Conditions on the data of an event, all of which must hold for it to be delivered; the rest is recorded as filtered.
 * That paths and values fit the event types is checked apart, since it takes their schemas (see filter-fields.ts).
 */
export const Filter = z.array(Condition).min(1).max(CONDITIONS_MAX)
  .meta({ title: 'Filter', description: 'Conditions on the event\'s data, all of which must hold, such as {"path": "data.change", "operator": "less_than", "value": -10}.' })
export type Filter = z.output<typeof Filter>

/** A condition of a filter that an event did not meet: which path, what was asked for, and what was there (absent when nothing was). Long values are cut. */
export const UnmetCondition = z.object({
  path: z.string(),
  operator: z.string(),
  value: z.unknown().optional(),
  actual: z.unknown().optional()
})
export type UnmetCondition = z.infer<typeof UnmetCondition>
