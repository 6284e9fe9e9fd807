import { z } from 'zod'
import { findEvent } from './catalogue/index.js'
import type { Operator } from './filter.js'

/** What a field holds, as far as filters care. `time` is an instant, `date` a day; a `list` has elements, an `object` members. */
export type FieldKind = 'text' | 'number' | 'boolean' | 'time' | 'date' | 'list' | 'object'

/** A step from an event's data to a field: into a member, or to each element of a list. */
export type Step = { member: string } | 'each'

/** A field of an event type's data that a filter may name. */
export interface FilterField {
  /** As conditions name it: `data.change`, `data.changed_fields[*]`. */
  path: string
  steps: readonly Step[]
  kind: FieldKind
  /** Of a list: what its elements are. */
  elements: FieldKind | null
  /** The values that a text can have, where they are fixed. */
  options: readonly string[] | null
  title: string
  description: string
}

const EQUALITY: readonly Operator[] = ['equals', 'not_equals']
const PRESENCE: readonly Operator[] = ['exists', 'not_exists']
const ORDER: readonly Operator[] = [...EQUALITY, 'less_than', 'less_or_equal', 'greater_than', 'greater_or_equal', 'in', 'not_in', ...PRESENCE]
const CONTAINMENT: readonly Operator[] = ['contains', 'not_contains']

const OPERATORS: Readonly<Record<FieldKind, readonly Operator[]>> = {
  text: [...EQUALITY, 'in', 'not_in', ...CONTAINMENT, 'starts_with', 'ends_with', ...PRESENCE],
  number: ORDER,
  boolean: [...EQUALITY, ...PRESENCE],
  time: ORDER,
  date: ORDER,
  list: [...CONTAINMENT, ...PRESENCE],
  object: PRESENCE
}

/** Kinds of elements that `contains` looks for in a list; others are compared one by one, by a path that ends in `[*]`. */
const CONTAINED: ReadonlyArray<FieldKind | null> = ['text', 'number', 'boolean', 'date']

/** The operators that a field takes, in the order in which people want them. */
export function operatorsFor ({ kind, elements }: Pick<FilterField, 'kind' | 'elements'>): readonly Operator[] {
  return kind === 'list' && !CONTAINED.includes(elements) ? PRESENCE : OPERATORS[kind]
}

const known = new Map<string, ReadonlyMap<string, FilterField>>()

/**
 * The fields of an event type's data by path, derived from its schema.
 * @param eventType A name of the catalogue; of any other there are no fields.
 */
export function fieldsOf (eventType: string): ReadonlyMap<string, FilterField> {
  const found = known.get(eventType)
  const definition = findEvent(eventType)
  if (found !== undefined || definition === undefined) return found ?? new Map()
  const fields = new Map(fieldsOfSchema(z.toJSONSchema(definition.data)).map((field) => [field.path, field]))
  known.set(eventType, fields)
  return fields
}

/** The fields that all of the event types have, of one kind in all of them: what a filter of a webhook for these types may name. */
export function commonFields (eventTypes: readonly string[]): FilterField[] {
  const [first, ...others] = eventTypes.map(fieldsOf)
  return [...first?.values() ?? []].filter((field) => others.every((fields) => {
    const other = fields.get(field.path)
    return other !== undefined && other.kind === field.kind && other.elements === field.elements
  }))
}

type JsonSchema = z.core.JSONSchema.BaseSchema

/** The fields of a schema of data, outermost first. Members of unforeseen types (unions, open records) are none. */
export function fieldsOfSchema (schema: JsonSchema): FilterField[] {
  return membersOf(schema, 'data', [])
}

function membersOf (schema: JsonSchema, path: string, steps: readonly Step[]): FilterField[] {
  return Object.entries(schema.properties ?? {}).flatMap(([member, node]) =>
    typeof node === 'object' ? fieldAt(node, `${path}.${member}`, [...steps, { member }]) : [])
}

function fieldAt (node: JsonSchema, path: string, steps: readonly Step[]): FilterField[] {
  const schema = withoutNull(node)
  const kind = kindOf(schema)
  if (kind === null) return []
  const items = kind === 'list' && typeof schema.items === 'object' && !Array.isArray(schema.items) ? withoutNull(schema.items) : null
  const field: FilterField = {
    path,
    steps,
    kind,
    elements: items === null ? null : kindOf(items),
    options: kind === 'text' && schema.enum ? schema.enum.map(String) : null,
    title: node.title ?? path,
    description: node.description ?? ''
  }
  const inside = items === null
    ? membersOf(schema, path, steps)
    : fieldAt({ title: field.title, description: field.description, ...items }, `${path}[*]`, [...steps, 'each'])
  return [field, ...inside]
}

/** Of a nullable schema, what it is when it is not null: zod says so by `anyOf`, or by a list of types. */
function withoutNull (schema: JsonSchema): JsonSchema {
  if (Array.isArray(schema.type)) return { ...schema, type: schema.type.find((type) => type !== 'null') }
  const variants = (schema.anyOf ?? []).filter((variant) => variant.type !== 'null')
  return variants.length === 1 && variants[0] !== undefined ? variants[0] : schema
}

function kindOf (schema: JsonSchema): FieldKind | null {
  switch (schema.type) {
    case 'string': return schema.format === 'date-time' ? 'time' : schema.format === 'date' ? 'date' : 'text'
    case 'number': case 'integer': return 'number'
    case 'boolean': return 'boolean'
    case 'array': return 'list'
    case 'object': return 'object'
    default: return null
  }
}
