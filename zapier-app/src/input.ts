import type { Kind, Member } from './members.js'

/**
 * Turns what Zapier hands over into what the action's schema takes. Empty values are left out, as are keys that the
 * action does not know (a Zap may have been made with an earlier version). A value that cannot be turned is sent as
 * it is, so that CSCX's answer can name the field and say what it wants.
 */
export function toRequestInput (members: readonly Member[], inputData: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = members.map(({ key, kind, itemKind }) => [key, toValue(kind, inputData[key], itemKind)] as const)
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}

function isEmpty (value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '')
}

function toValue (kind: Kind, value: unknown, itemKind: Kind = 'string'): unknown {
  if (isEmpty(value)) return undefined
  switch (kind) {
    case 'integer':
    case 'number': return toNumber(value)
    case 'boolean': return toBoolean(value)
    case 'instant': return toInstant(value)
    case 'day': return toDay(value)
    case 'list': return toList(value, itemKind)
    case 'dict': return toDict(value)
    case 'string':
    case 'text': return typeof value === 'number' || typeof value === 'boolean' ? String(value) : value
  }
}

function toNumber (value: unknown): unknown {
  return typeof value === 'string' && /^[+-]?\d+(\.\d+)?$/.test(value.trim()) ? Number(value) : value
}

function toBoolean (value: unknown): unknown {
  if (/^(true|yes|1)$/i.test(String(value))) return true
  return /^(false|no|0)$/i.test(String(value)) ? false : value
}

/** A time with zone becomes ISO 8601 in UTC; a zone such as `+0000` is common but not in RFC 3339's form. */
function toInstant (value: unknown): unknown {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*(Z|[+-]\d\d:?\d\d)$/i.test(value)) return value
  const time = Date.parse(value)
  return Number.isNaN(time) ? value : new Date(time).toISOString()
}

/** Zapier makes a time in the user's zone of every date: the day that the user meant is the one written in it. */
function toDay (value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/^(\d{4}-\d\d-\d\d)[T ].*$/s, '$1') : value
}

function toList (value: unknown, itemKind: Kind): unknown[] | undefined {
  const items = (Array.isArray(value) ? value : [value]).map((item) => toValue(itemKind, item)).filter((item) => item !== undefined)
  return items.length > 0 ? items : undefined
}

function toDict (value: unknown): unknown {
  if (typeof value !== 'object' || Array.isArray(value)) return value
  const pairs = Object.entries(value as object).filter(([key, item]) => key !== '' && !isEmpty(item))
  return pairs.length > 0 ? Object.fromEntries(pairs) : undefined
}
