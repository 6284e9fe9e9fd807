import type { PlainInputField, PlainOutputField } from 'zapier-platform-core'
import { REFERENCE_FIELDS } from '../../shared/catalogue/customer-reference.js'
import type { Kind, Member } from './members.js'

const INPUT_TYPES = {
  string: 'string', text: 'text', integer: 'integer', number: 'number', boolean: 'boolean', instant: 'datetime', day: 'datetime'
} as const

// A day stays a string on the way out: Zapier wants datetimes with a zone (D023), and a day has none.
const OUTPUT_TYPES = {
  string: 'string', text: 'string', integer: 'integer', number: 'number', boolean: 'boolean', instant: 'datetime', day: 'string'
} as const

type Simple = keyof typeof INPUT_TYPES

/** The fields in which a user fills an action in: required ones first, otherwise in the catalogue's order. */
export function inputFields (members: readonly Member[]): PlainInputField[] {
  const byReference = REFERENCE_FIELDS.every((key) => members.some((member) => member.key === key))
  return [...members]
    .sort((a, b) => Number(b.required) - Number(a.required))
    .map((member) => inputField(member, byReference && REFERENCE_FIELDS.some((key) => key === member.key)))
}

/**
 * The fields that later steps of a Zap can use.
 * @param parent The member that holds these; Zapier joins the two with `__`.
 */
export function outputFields (members: readonly Member[], parent?: string): PlainOutputField[] {
  return members.map(({ key, title, kind, itemKind }) => ({
    key: parent === undefined ? key : `${parent}__${key}`,
    label: title,
    type: OUTPUT_TYPES[simple(itemKind ?? kind, key)],
    ...(kind === 'list' && { list: true })
  }))
}

function inputField (member: Member, isReference: boolean): PlainInputField {
  const { key, title, kind, itemKind, required, choices } = member
  const help = helpText(member, isReference)
  return {
    key,
    label: title,
    required,
    ...(help !== undefined && { helpText: help }),
    ...(kind === 'dict' ? { dict: true } : { type: INPUT_TYPES[simple(itemKind ?? kind, key)] }),
    ...(kind === 'list' && { list: true }),
    ...(choices && { choices: choices.map((value) => ({ value, sample: value, label: titleCase(value) })) })
  }
}

/** Help that only repeats the label is left out (Zapier D011). */
function helpText ({ title, description }: Member, isReference: boolean): string | undefined {
  const help = description?.toLowerCase() === title.toLowerCase() ? undefined : description
  // JSON Schema marks each of these as optional, but one of them must be there: see withCustomer in the catalogue.
  return isReference ? [help, 'At least one of the customer fields is needed.'].filter(Boolean).join(' ') : help
}

function simple (kind: Kind, key: string): Simple {
  if (kind === 'list' || kind === 'dict') throw new TypeError(`No Zapier field can show ${key}, a ${kind} inside another value`)
  return kind
}

function titleCase (value: string): string {
  return value.split('_').map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join(' ')
}
