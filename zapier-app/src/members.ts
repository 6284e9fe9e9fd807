import * as zod from 'zod'

/** What a member of a schema holds, in the terms in which Zapier's fields differ. `instant` is a time with zone, `day` a date without. */
export type Kind = 'string' | 'text' | 'integer' | 'number' | 'boolean' | 'instant' | 'day' | 'list' | 'dict'

/** A member of a flat object schema: what a Zapier field, and a value in a request, are made from. */
export interface Member {
  key: string
  title: string
  description: string | undefined
  kind: Kind
  required: boolean
  /** Values of an enum, in order. */
  choices: string[] | undefined
  /** What a list's items are. */
  itemKind: Kind | undefined
}

interface Property {
  type?: string | string[]
  format?: string
  title?: string
  description?: string
  enum?: string[]
  anyOf?: Property[]
  items?: Property
  /** Set by the catalogue on long texts. */
  multiline?: boolean
}

/**
 * Reads the members of a flat object schema, in order.
 * @param io `input`: what callers send; `output`: what they get.
 * @throws TypeError for a member that no Zapier field can show.
 */
export function members (schema: zod.ZodObject, io: 'input' | 'output'): Member[] {
  const json = zod.toJSONSchema(schema, { io }) as { properties?: Record<string, Property>, required?: string[] }
  return Object.entries(json.properties ?? {}).map(([key, declared]) => {
    const property = withoutNull(declared)
    return {
      key,
      title: property.title ?? key,
      description: property.description,
      kind: kindOf(key, property),
      required: json.required?.includes(key) ?? false,
      choices: property.enum,
      itemKind: property.items && kindOf(key, property.items)
    }
  })
}

/** JSON Schema writes a nullable member as two types or as a union of two schemas: what matters is the one that is not null. */
function withoutNull (property: Property): Property {
  const { type } = property
  if (Array.isArray(type)) return { ...property, type: type.find((name) => name !== 'null') }
  const branches = property.anyOf?.filter((branch) => branch.type !== 'null') ?? []
  return branches.length === 1 ? { ...branches[0], ...property } : property
}

function kindOf (key: string, { type, format, multiline, anyOf = [] }: Property): Kind {
  // The format comes first: a moment is a union of a time and a day, and carries no type of its own.
  if (format === 'date-time' || anyOf.some((branch) => branch.format === 'date-time')) return 'instant'
  if (format === 'date') return 'day'
  switch (type) {
    case 'string': return multiline ? 'text' : 'string'
    case 'integer':
    case 'number':
    case 'boolean': return type
    case 'array': return 'list'
    case 'object': return 'dict'
    default: throw new TypeError(`No Zapier field can show ${key}, of JSON Schema type ${String(type)}`)
  }
}
