import { hostName } from '../../server/cscx/find-customer.js'
import { fit } from '../../server/cscx/fit.js'
import { firstAllowed, nearestActivityType, nearestAllowed } from '../../server/cscx/nearest.js'
import type { Column } from '../../server/cscx/tables.js'

const column = (type: string, more: Partial<Column> = {}): Column =>
  ({ name: 'x', type, nullable: true, hasDefault: false, generated: false, unique: false, maxLength: null, magnitude: null, allowed: null, ...more })

const ACTIVITIES = ['email', 'meeting', 'call', 'note', 'task', 'document']
const TIMELINE = ['update', 'call', 'in_person', 'email', 'milestone']

test.each([
  ['call', 'call', 'call'],
  ['support_call', 'call', 'call'],
  ['Phone Call', 'call', 'call'],
  ['emailReply', 'note', 'update'],
  ['email-reply', 'email', 'email'],
  ['QBR', 'meeting', 'in_person'],
  ['in person', 'meeting', 'in_person'],
  ['onsite visit', 'meeting', 'in_person'],
  ['video_meeting', 'meeting', 'in_person'],
  ['call_notes', 'call', 'call'],
  ['follow-up', 'task', 'update'],
  ['slack_message', 'note', 'update'],
  ['signed contract', 'document', 'update'],
  ['go_live', 'note', 'milestone'],
  ['quantum flux', 'note', 'update'],
  ['🙂', 'note', 'update'],
  ['Task', 'task', 'update']
])('an activity %s is nearest to %s, on a timeline to %s', (asked, activity, timeline) => {
  expect([nearestActivityType(ACTIVITIES, asked), nearestActivityType(TIMELINE, asked)]).toEqual([activity, timeline])
})

test('where any type goes, it stays; where none is near, it is the first', () => {
  expect(nearestActivityType(null, 'support_call')).toBe('support_call')
  expect(nearestActivityType(['x', 'y'], 'support_call')).toBe('x')
})

test.each<[string, string[], string, string | undefined, boolean]>([
  ['priority', ['Low', 'Medium', 'High'], 'high', 'High', true],
  ['priority', ['Low', 'Medium', 'High'], 'urgent', 'High', false],
  ['priority', ['low', 'normal', 'critical'], 'high', 'critical', false],
  ['priority', ['normal', 'critical'], 'low', 'normal', false],
  ['priority', ['P1', 'P2'], 'high', undefined, false],
  ['severity', ['low', 'medium', 'high'], 'critical', 'high', false],
  ['sentiment', ['Promoter', 'Passive', 'Detractor'], 'negative', 'Detractor', false],
  ['status', ['In Progress'], 'in_progress', 'In Progress', true],
  ['role', ['Champion', 'Other'], 'Wizard', 'Other', false],
  ['role', ['Champion'], 'Wizard', undefined, false]
])('%s of %j: %s is %s', (name, allowed, word, value, same) => {
  expect(nearestAllowed(name, allowed, word)).toEqual(value === undefined ? undefined : { value, same })
})

test('of several words the first that is allowed', () => {
  expect(firstAllowed(['manual', 'System'], ['zapier', 'system'])).toBe('System')
  expect(firstAllowed(['manual'], ['zapier', 'system'])).toBeUndefined()
  expect(firstAllowed(null, ['zapier', 'system'])).toBe('zapier')
})

test.each<[string, Partial<Column>, unknown, unknown]>([
  ['text', {}, 5, '5'],
  ['text', {}, ['a', 'b'], 'a, b'],
  ['varchar', { maxLength: 2 }, '𝒳𝒳', '𝒳𝒳'],
  ['int4', {}, 44.5, 45],
  ['int4', {}, 0, 0],
  ['numeric', {}, 44.5, 44.5],
  ['bool', {}, false, false],
  ['date', {}, '2026-01-29T23:30:00-05:00', '2026-01-30'],
  ['date', {}, '2026-01-29', '2026-01-29'],
  ['timestamp', {}, '2026-01-29T10:00:00+02:00', '2026-01-29T08:00:00.000Z'],
  ['timestamptz', {}, '2026-01-29', '2026-01-29T00:00:00.000Z'],
  ['_text', {}, 'a', ['a']],
  ['jsonb', {}, ['a', { b: 1 }], ['a', { b: 1 }]],
  ['uuid', {}, '7f6c1d2e-93b4-4a55-8c1e-2f4b6a9d0c11', '7f6c1d2e-93b4-4a55-8c1e-2f4b6a9d0c11']
])('a column of type %s %j takes %j as %j', (type, more, value, expected) => {
  expect(fit(column(type, more), value)).toEqual({ value: expected, exact: true })
})

test.each<[string, Partial<Column>, unknown]>([
  ['varchar', { maxLength: 1 }, 'ab'],
  ['int2', { magnitude: 2 ** 15 }, 2 ** 15],
  ['numeric', { magnitude: 100 }, -100],
  ['int4', {}, 'x'],
  ['bool', {}, 'true'],
  ['date', {}, 'soon'],
  ['date', {}, '0000-12-31'],
  ['timestamptz', {}, '9999-12-31T23:59:59-10:00'],
  ['uuid', {}, 'dana'],
  ['_uuid', {}, ['a']],
  ['point', {}, 'x']
])('a column of type %s %j does not take %j', (type, more, value) => {
  expect(fit(column(type, more), value)).toEqual({ misfit: expect.any(String) })
})

test.each([
  ['acme.com', 'acme.com'],
  [' HTTPS://WWW.Acme.com/path?x=@y#z ', 'acme.com'],
  ['www.acme.com.', 'acme.com'],
  ['user:secret@acme.com:8443', 'acme.com'],
  ['mailto:jane@acme.com', 'acme.com'],
  ['Jane <jane@acme.com>', 'acme.com'],
  ['https://', ''],
  ['', '']
])('the host in %j is %j', (given, expected) => {
  expect(hostName(given)).toBe(expected)
})
