import type { Bundle } from 'zapier-platform-core'
import nock from 'nock'
import { events } from '../../shared/catalogue/index.js'
import { API, useApi } from './api.js'
import { ACCESS_TOKEN, appTester, authData, hookOf } from './app.js'

useApi()

const TARGET_URL = 'https://hooks.zapier.com/hooks/standard/1/{{secret}}/'
const reqheaders = { authorization: `Bearer ${ACCESS_TOKEN}` }
const { performSubscribe, performUnsubscribe } = hookOf('task.created')

test.each(events.map((event) => event.name))('%s: subscribing names the event and keeps id and secret', async (name) => {
  nock(API, { reqheaders }).post('/api/zapier/subscribe', { event: name, target_url: TARGET_URL })
    .reply(201, { id: 'sub_1', event: name, target_url: TARGET_URL, secret: 'whsec_c2VjcmV0', created_at: '2026-01-29T10:00:00.000Z' })
  expect(await appTester(hookOf(name).performSubscribe, { authData, targetUrl: TARGET_URL })).toEqual({ id: 'sub_1', secret: 'whsec_c2VjcmV0' })
})

test('subscribing without getting a secret fails, since no hook could be verified', async () => {
  nock(API).post('/api/zapier/subscribe').reply(201, { id: 'sub_1' })
  await expect(appTester(performSubscribe, { authData, targetUrl: TARGET_URL })).rejects.toThrow(/a subscription that cannot be read/)
})

test.each([204, 404])('unsubscribing is done when the server answers %i', async (status) => {
  nock(API, { reqheaders }).delete('/api/zapier/unsubscribe/sub%2F1').reply(status)
  expect(await appTester(performUnsubscribe, { authData, subscribeData: { id: 'sub/1' } })).toEqual({})
})

test('unsubscribing is not done when the server fails', async () => {
  nock(API).delete('/api/zapier/unsubscribe/sub_1').reply(503)
  await expect(appTester(performUnsubscribe, { authData, subscribeData: { id: 'sub_1' } })).rejects.toMatchObject({ name: 'AppError' })
})

test('a failure to unsubscribe tells nothing of the secret', async () => {
  nock(API).delete('/api/zapier/unsubscribe/sub_1').replyWithError('socket hang up')
  const error = await appTester(performUnsubscribe, { authData, subscribeData: { id: 'sub_1', secret: 'whsec_c2VjcmV0' } as Bundle['subscribeData'] }).catch((thrown: Error) => thrown) as Error
  expect(error.message).toBe(`request to ${API}/api/zapier/unsubscribe/sub_1 failed, reason: socket hang up`)
})

test('unsubscribing what was never subscribed calls nobody', async () => {
  expect(await appTester(performUnsubscribe, { authData })).toEqual({})
})
