import { isUuid } from '../cursor.js'
import { nearestAllowed } from './nearest.js'
import type { Column } from './tables.js'

/** What a column can hold of a value: `exact` is false when its meaning was lost in part; or, in a sentence, why nothing. */
export type Fit = { value: unknown, exact: boolean } | { misfit: string }

const TEXT_TYPES = new Set(['text', 'varchar', 'bpchar', 'citext', 'name'])
const INTEGER_TYPES = new Set(['int2', 'int4', 'int8'])
const NUMBER_TYPES = new Set([...INTEGER_TYPES, 'numeric', 'float4', 'float8'])

const fits = (value: unknown): Fit => ({ value, exact: true })

function fitText (column: Column, value: unknown): Fit {
  const text = Array.isArray(value) ? value.join(', ') : String(value)
  if (column.allowed !== null) {
    const near = nearestAllowed(column.name, column.allowed, text)
    return near ? { value: near.value, exact: near.same } : { misfit: `Must be one of ${column.allowed.join(', ')}` }
  }
  const length = [...text].length
  return column.maxLength !== null && length > column.maxLength
    ? { misfit: `Must have at most ${column.maxLength} characters in this CSCX database` }
    : fits(text)
}

function fitNumber (column: Column, value: unknown): Fit {
  if (typeof value !== 'number') return { misfit: 'Must be a number in this CSCX database' }
  const number = INTEGER_TYPES.has(column.type) ? Math.round(value) : value
  return column.magnitude !== null && Math.abs(number) >= column.magnitude
    ? { misfit: `Must be less than ${column.magnitude} in this CSCX database` }
    : fits(number)
}

/** @param value ISO 8601; Postgres would drop the zone of one that goes into a `date` or `timestamp`, so it becomes UTC first. */
function fitTime (column: Column, value: unknown): Fit {
  const time = typeof value === 'string' ? Date.parse(value) : NaN
  if (Number.isNaN(time)) return { misfit: 'Must be a date or time in this CSCX database' }
  const iso = new Date(time).toISOString()
  // Postgres has no year 0 and writes those before and after four digits differently.
  if (!/^\d{4}-/.test(iso) || iso.startsWith('0000')) return { misfit: 'Must lie between the years 1 and 9999' }
  return fits(column.type === 'date' ? iso.slice(0, 10) : iso)
}

function fitArray (column: Column, value: unknown): Fit {
  if (!TEXT_TYPES.has(column.type.slice(1))) return { misfit: 'Cannot be kept in this CSCX database' }
  return fits((Array.isArray(value) ? value : [value]).map(String))
}

/** Makes a value fit a column: its type, its length and range, and the values it allows. */
export function fit (column: Column, value: unknown): Fit {
  const { type } = column
  if (type === 'json' || type === 'jsonb') return fits(value)
  if (type.startsWith('_')) return fitArray(column, value)
  if (column.allowed !== null || TEXT_TYPES.has(type)) return fitText(column, value)
  if (NUMBER_TYPES.has(type)) return fitNumber(column, value)
  if (type === 'date' || type === 'timestamp' || type === 'timestamptz') return fitTime(column, value)
  if (type === 'bool') return typeof value === 'boolean' ? fits(value) : { misfit: 'Must be true or false in this CSCX database' }
  if (type === 'uuid') return typeof value === 'string' && isUuid(value) ? fits(value) : { misfit: 'Must be a UUID in this CSCX database' }
  return { misfit: `Cannot be kept in a column of type ${type}` }
}
