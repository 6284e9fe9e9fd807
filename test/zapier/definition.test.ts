import { version as coreVersion, type BasicHookOperation, type PlainInputField, type PlainOutputField } from 'zapier-platform-core'
import { actions, events } from '../../shared/catalogue/index.js'
import { REFERENCE_FIELDS } from '../../shared/catalogue/customer-reference.js'
import { app } from '../../zapier-app/src/index.js'
import packageJson from '../../zapier-app/package.json' with { type: 'json' }
import { validateDefinition } from './app.js'

const triggers = Object.values(app.triggers).map((trigger) => [trigger.key, trigger, trigger.operation as BasicHookOperation] as const)
const creates = Object.values(app.creates).map((create) => [create.key, create, create.operation.inputFields as PlainInputField[]] as const)
const inputs = creates.flatMap(([key, , fields]) => fields.map((field) => [`${key}.${field.key}`, field] as const))
const outputs = [...triggers, ...creates].map(([key, { operation }]) => [key, operation.sample ?? {}, operation.outputFields as PlainOutputField[]] as const)
const shown = [...triggers, ...creates].map(([key, { display }]) => [key, display.label ?? '', display.description ?? ''] as const)

const SMALL_WORDS = new Set(['a', 'an', 'and', 'as', 'at', 'by', 'for', 'from', 'in', 'of', 'on', 'or', 'the', 'to', 'with'])
const ZONED = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

/** A sample's keys as Zapier writes them: members of objects joined by two underscores. */
function flatten (sample: object, prefix = ''): Array<[string, unknown]> {
  return Object.entries(sample).flatMap(([key, value]) => typeof value === 'object' && value !== null && !Array.isArray(value)
    ? flatten(value as object, `${prefix}${key}__`)
    : [[`${prefix}${key}`, value] as [string, unknown]])
}

describe('the app', () => {
  test('follows the schema of the platform', async () => {
    expect((await validateDefinition()).results).toEqual([])
  })

  test('states its own version and the platform\'s (D027)', () => {
    expect(app.version).toBe(packageJson.version)
    expect(app.platformVersion).toBe(coreVersion)
    expect(packageJson.dependencies['zapier-platform-core']).toBe(coreVersion)
  })

  test('describes CSCX.AI in 40 to 140 characters', () => {
    expect(packageJson.description).toMatch(/^CSCX\.AI is a .{27,127}\.$/)
    expect(packageJson.description).not.toMatch(/zapier/i)
  })

  test('leaves empty input to the app (D028)', () => {
    expect(app.flags?.cleanInputData).toBe(false)
  })

  test('tells connections apart without naming the app (D003)', () => {
    expect(app.authentication?.connectionLabel).toBe('{{email}} ({{organization_name}})')
  })

  test('has a trigger for every event and a create for every action, and nothing else', () => {
    expect(Object.keys(app.triggers)).toEqual(events.map((event) => event.key))
    expect(Object.keys(app.creates)).toEqual(actions.map((action) => action.name))
    expect(triggers.map(([key]) => key)).toEqual(Object.keys(app.triggers))
    expect(creates.map(([key]) => key)).toEqual(Object.keys(app.creates))
  })

  test('asks for the scopes that its calls need', () => {
    expect(app.authentication?.oauth2Config?.scope?.split(' ').sort()).toEqual([...new Set(['webhooks:write', 'events:read', ...actions.map((action) => action.scope)])].sort())
  })
})

describe.each(shown)('%s', (_key, label, description) => {
  test('has a label in title case (D018)', () => {
    const words = label.split(' ')
    expect(words.filter((word, index) => !/^[A-Z]/.test(word) && (index === 0 || !SMALL_WORDS.has(word)))).toEqual([])
  })

  test('has a description that is a sentence without bare addresses (D008)', () => {
    expect(description).toMatch(/^[A-Z].*\.$/)
    expect(description).not.toMatch(/https?:\/\//)
  })
})

describe.each(triggers)('trigger %s', (_key, trigger, operation) => {
  test('is described as "Triggers when … ." (D021)', () => {
    expect(trigger.display.description).toMatch(/^Triggers when .+\.$/)
  })

  test('is a hook with everything a hook needs (D006, D016, D017)', () => {
    expect(operation.type).toBe('hook')
    for (const perform of ['perform', 'performList', 'performSubscribe', 'performUnsubscribe'] as const) expect(operation[perform]).toEqual(expect.any(Function))
  })

  test('has a sample with an id (D010, D012)', () => {
    expect(operation.sample).toMatchObject({ id: expect.any(String) })
  })
})

describe.each(creates)('create %s', (_key, create, fields) => {
  test('has input fields, required ones first (D022)', () => {
    expect(fields.length).toBeGreaterThan(0)
    const required = fields.map((field) => field.required)
    expect(required).toEqual([...required].sort((a, b) => Number(b) - Number(a)))
    expect(required).toContain(true)
  })

  test('has a field for every member of its input', () => {
    const action = actions.find(({ name }) => name === create.key)
    expect(fields.map((field) => field.key).sort()).toEqual(Object.keys(action?.input.shape ?? {}).sort())
  })
})

test.each(creates.filter(([, , fields]) => REFERENCE_FIELDS.every((key) => fields.some((field) => field.key === key))))('%s says that one of the customer fields is needed', (_key, _create, fields) => {
  const references = fields.filter(({ key }) => REFERENCE_FIELDS.some((reference) => reference === key))
  expect(references.map((field) => field.key)).toEqual(['customer_id', 'customer_name', 'domain', 'external_id'])
  for (const { helpText } of references) expect(helpText).toMatch(/At least one of the customer fields is needed\.$/)
})

describe.each(inputs)('input %s', (_key, field) => {
  test('has a label, and help that says more than it (D011)', () => {
    expect(field.label).toMatch(/^[A-Z]/)
    expect(field.helpText?.replace(/\.$/, '').toLowerCase()).not.toBe(field.label?.toLowerCase())
  })

  test('asks for no secret (D001), by no dropdown that does not exist (D005, D013), with no bare address (D008)', () => {
    expect(field.key).not.toMatch(/password|secret|token|api_?key/i)
    expect(field).not.toHaveProperty('dynamic')
    expect(field).not.toHaveProperty('search')
    expect(field.helpText ?? '').not.toMatch(/https?:\/\//)
  })
})

test('fields show the kinds of the catalogue', () => {
  const byKey = Object.fromEntries(inputs)
  expect(byKey['create_task.title']).toMatchObject({ label: 'Title', type: 'string', required: true })
  expect(byKey['create_task.description']).toMatchObject({ type: 'text', required: false })
  expect(byKey['create_task.due_date']).toMatchObject({ type: 'datetime' })
  expect(byKey['create_task.priority']).toMatchObject({
    type: 'string',
    choices: [
      { value: 'low', sample: 'low', label: 'Low' }, { value: 'medium', sample: 'medium', label: 'Medium' },
      { value: 'high', sample: 'high', label: 'High' }, { value: 'urgent', sample: 'urgent', label: 'Urgent' }
    ]
  })
  expect(byKey['create_task.metadata']).toMatchObject({ dict: true })
  expect(byKey['create_customer.arr']).toMatchObject({ type: 'number' })
  expect(byKey['create_customer.employee_count']).toMatchObject({ type: 'integer' })
  expect(byKey['create_customer.renewal_date']).toMatchObject({ type: 'datetime' })
  expect(byKey['add_stakeholder.is_champion']).toMatchObject({ type: 'boolean' })
  expect(byKey['log_activity.participants']).toMatchObject({ type: 'string', list: true })
})

describe.each(outputs)('output of %s', (_key, sample, fields) => {
  test('has a field for every key of the sample, and no other (D024)', () => {
    expect(fields.map((field) => field.key).sort()).toEqual(flatten(sample).map(([key]) => key).sort())
  })

  test('has a label and no help on every field', () => {
    for (const field of fields) {
      expect(field.label).toMatch(/^[A-Z]/)
      expect(field).not.toHaveProperty('helpText')
    }
  })

  test('has times with zone in the sample (D023)', () => {
    const types = new Map(fields.map((field) => [field.key, field.type]))
    const times = flatten(sample).filter(([key, value]) => value !== null && (types.get(key) === 'datetime' || /^\d{4}-\d\d-\d\dT/.test(String(value))))
    expect(times.filter(([, value]) => !ZONED.test(String(value)))).toEqual([])
  })
})
