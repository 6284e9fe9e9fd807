import type { Bundle } from 'zapier-platform-core'
import nock from 'nock'
import { events } from '../../shared/catalogue/index.js'
import { SAMPLE_SECRET } from '../../shared/catalogue/define-event.js'
import { formatSecret, signV1 } from '../../shared/signature.js'
import { API, useApi } from './api.js'
import { ACCESS_TOKEN, appTester, authData, eventOf, hookOf } from './app.js'

useApi()

const SECRET = SAMPLE_SECRET
const event = eventOf('health_score.changed')
const { perform, performList } = hookOf(event.name)
const subscribeData = { id: 'sub_1', secret: SECRET }

interface HookOptions {
  body?: string
  secret?: string
  /** How old the hook is when it arrives. */
  ageSeconds?: number
  /** Headers as Zapier hands them over. */
  headerName?: (name: string) => string
}

const asZapier = (name: string) => `Http-${name.split('-').map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('-')}`

/** A bundle with a hook in it, signed as the server signs. */
function hook ({ body = JSON.stringify(event.sample), secret = SECRET, ageSeconds = 0, headerName = asZapier }: HookOptions = {}): Partial<Bundle> {
  const timestamp = Math.floor(Date.now() / 1000) - ageSeconds
  const headers = { 'webhook-id': event.sample.id, 'webhook-timestamp': String(timestamp), 'webhook-signature': signV1(secret, event.sample.id, timestamp, body) }
  return {
    authData,
    subscribeData,
    rawRequest: { method: 'POST', querystring: '', headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [headerName(name), value])), content: body },
    cleanedRequest: JSON.parse(body)
  }
}

const halted = (message: RegExp) => expect.objectContaining({ name: 'HaltedError', message: expect.stringMatching(message) })

describe('a hook', () => {
  test('with a good signature becomes the envelope, as it is', async () => {
    expect(await appTester(perform, hook())).toEqual([event.sample])
  })

  test.each([
    ['lower case, without prefix', (name: string) => name],
    ['upper case', (name: string) => `HTTP-${name.toUpperCase()}`],
    ['lower case, with prefix', (name: string) => `http-${name}`]
  ])('is verified whatever the case of its headers: %s', async (_case, headerName) => {
    expect(await appTester(perform, hook({ headerName }))).toEqual([event.sample])
    await expect(appTester(perform, hook({ headerName, secret: formatSecret(Buffer.alloc(32, 7)) }))).rejects.toEqual(halted(/does not match/))
  })

  test('is verified over the bytes that arrived, not over their meaning', async () => {
    const spaced = JSON.stringify(event.sample, null, 2)
    expect(await appTester(perform, hook({ body: spaced }))).toEqual([event.sample])
  })

  test('signed with another secret is refused', async () => {
    await expect(appTester(perform, hook({ secret: formatSecret(Buffer.alloc(32, 7)) }))).rejects.toEqual(halted(/its signature does not match/))
  })

  test('whose body was changed on the way is refused', async () => {
    const bundle = hook()
    const changed = (bundle.rawRequest?.content ?? '').replace('"new_score":62', '"new_score":99')
    expect(changed).not.toBe(bundle.rawRequest?.content)
    await expect(appTester(perform, { ...bundle, rawRequest: { ...bundle.rawRequest, content: changed } })).rejects.toEqual(halted(/its signature does not match/))
  })

  test.each([73 * 3600, -73 * 3600])('that is %i seconds old is refused', async (ageSeconds) => {
    await expect(appTester(perform, hook({ ageSeconds }))).rejects.toEqual(halted(/more than three days off/))
  })

  test('that Zapier kept waiting for two days is accepted', async () => {
    expect(await appTester(perform, hook({ ageSeconds: 48 * 3600 }))).toEqual([event.sample])
  })

  test.each(['Http-Webhook-Id', 'Http-Webhook-Timestamp', 'Http-Webhook-Signature'])('without %s is refused', async (name) => {
    const { rawRequest, ...bundle } = hook()
    const { [name]: _, ...headers } = rawRequest?.headers ?? {}
    await expect(appTester(perform, { ...bundle, rawRequest: { ...rawRequest, headers } })).rejects.toEqual(halted(/it carries no signature/))
  })

  test('whose raw request is missing is refused, since it cannot be verified', async () => {
    const { rawRequest: _, ...bundle } = hook()
    await expect(appTester(perform, bundle)).rejects.toEqual(halted(/it carries no signature/))
  })

  test('of another event is refused, however well signed', async () => {
    const body = JSON.stringify(eventOf('customer.created').sample)
    await expect(appTester(perform, hook({ body }))).rejects.toEqual(halted(/another event than health_score\.changed/))
  })

  test.each(['{}', 'null', '[1]', '{"id":"1","event":"health_score.changed","data":{}}'])('whose body is %s is refused, however well signed', async (body) => {
    await expect(appTester(perform, hook({ body }))).rejects.toEqual(halted(/not an event of CSCX/))
  })

  test('that is not JSON is refused', async () => {
    const bundle = hook()
    const timestamp = String(bundle.rawRequest?.headers?.['Http-Webhook-Timestamp'])
    const content = '<html>'
    const headers = { ...bundle.rawRequest?.headers, 'Http-Webhook-Signature': signV1(SECRET, event.sample.id, Number(timestamp), content) }
    await expect(appTester(perform, { ...bundle, rawRequest: { headers, content } })).rejects.toEqual(halted(/not an event of CSCX/))
  })
})

describe('a refusal', () => {
  test('tells nothing of the secret or of the hook', async () => {
    const error = await appTester(perform, hook({ ageSeconds: 80 * 3600 })).catch((thrown: Error) => thrown) as Error
    expect(error.message).toBe('The webhook was refused: its timestamp is more than three days off.')
  })

  test.each(['', 'whsec_c2hvcnQ=', 7])('comes from a secret that is damaged (%j), too', async (secret) => {
    await expect(appTester(perform, { ...hook(), subscribeData: { id: 'sub_1', secret } as Bundle['subscribeData'] })).rejects.toEqual(halted(/secret is damaged/))
  })
})

describe('a subscription without secret', () => {
  test('takes its hooks unverified', async () => {
    const bundle = hook({ secret: formatSecret(Buffer.alloc(32, 7)) })
    expect(await appTester(perform, { ...bundle, subscribeData: { id: 'sub_0' } })).toEqual([event.sample])
  })

  test('still takes no other event', async () => {
    const body = JSON.stringify(eventOf('customer.created').sample)
    await expect(appTester(perform, { ...hook({ body }), subscribeData: { id: 'sub_0' } })).rejects.toEqual(halted(/another event/))
  })
})

describe('samples', () => {
  const answerSamples = (name: string, data: unknown) => nock(API, { reqheaders: { authorization: `Bearer ${ACCESS_TOKEN}` } })
    .get(`/api/zapier/triggers/${name}/samples`).query({ limit: '3' }).reply(200, { data, next_cursor: null })

  test.each(events.map((each) => [each.name, each] as const))('of %s are what a hook delivers', async (name, { sample }) => {
    answerSamples(name, [sample])
    expect(await appTester(hookOf(name).performList, { authData })).toEqual([sample])
  })

  test('stand in where there is no request at all, as with `invoke trigger`', async () => {
    answerSamples(event.name, [event.sample])
    expect(await appTester(perform, { authData })).toEqual([event.sample])
  })

  test('of another event are an error', async () => {
    answerSamples(event.name, [eventOf('customer.created').sample])
    await expect(appTester(performList, { authData })).rejects.toThrow(/CSCX sent samples that cannot be read/)
  })
})
