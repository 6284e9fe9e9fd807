import * as zod from 'zod'
import { defineCreate, type Bundle, type Create, type ZObject } from 'zapier-platform-core'
import { pathFields, type ActionDefinition } from '../../shared/catalogue/define-action.js'
import { actions } from '../../shared/catalogue/index.js'
import { readAnswer } from './answer.js'
import { apiUrl } from './api.js'
import { inputFields, outputFields } from './fields.js'
import { idempotencyKey } from './idempotency.js'
import { toRequestInput } from './input.js'
import { members, type Member } from './members.js'
import { withPlainErrors } from './plain-errors.js'
import type { FieldLabels } from './problem.js'
import { jsonBody } from './request.js'

/** Any action's answer: the record. Members beyond the catalogue's pass, since the server may be newer than the app. */
const WrittenRecord = zod.looseObject({ id: zod.string() })

/** A value as one segment of a path. `.` and `..` cannot be encoded: URL parsers resolve them in any spelling, and the call would go elsewhere. */
function segment (z: ZObject, field: string, value: unknown): string {
  if (value === undefined) throw new z.errors.HaltedError(`${field} is needed.`)
  if (value === '.' || value === '..') throw new z.errors.HaltedError(`${field} cannot be “${value}”.`)
  return encodeURIComponent(String(value))
}

async function run (z: ZObject, bundle: Bundle, action: ActionDefinition, fields: readonly Member[]) {
  const input = toRequestInput(fields, bundle.inputData)
  const inPath = pathFields(action)
  const labels = Object.fromEntries(fields.map(({ key, title }) => [key, title]))
  const { headers, body } = jsonBody(Object.fromEntries(Object.entries(input).filter(([key]) => !inPath.includes(key))))
  const response = await z.request({
    url: apiUrl(action.path.replace(/\{(\w+)\}/g, (_, key: string) => segment(z, `${labels[key]} (${key})`, input[key]))),
    method: action.method,
    headers: { ...headers, 'Idempotency-Key': idempotencyKey(action, bundle, input) },
    body,
    middlewareData: { labels } satisfies FieldLabels
  })
  return readAnswer(z, WrittenRecord, response.data, 'a record')
}

/** The create of one action. */
export function actionCreate (action: ActionDefinition): Create {
  const fields = members(action.input, 'input')
  return defineCreate({
    key: action.name,
    noun: action.noun,
    display: { label: action.label, description: action.description },
    operation: {
      inputFields: inputFields(fields),
      perform: withPlainErrors((z, bundle) => run(z, bundle, action, fields)),
      sample: action.sample.output,
      outputFields: outputFields(members(action.output, 'output'))
    }
  })
}

/** A create for every action of the catalogue, by key. */
export const creates: Record<string, Create> = Object.fromEntries(actions.map((action) => [action.name, actionCreate(action)]))
