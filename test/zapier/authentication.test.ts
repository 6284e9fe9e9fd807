import type { OAuth2AuthorizeUrl, OAuth2GetAccessToken, ZObject } from 'zapier-platform-core'
import nock from 'nock'
import { app } from '../../zapier-app/src/index.js'
import { API, useApi } from './api.js'
import { ACCESS_TOKEN, appTester, authData } from './app.js'

useApi()

const oauth2Config = app.authentication?.oauth2Config
const authorizeUrl = oauth2Config?.authorizeUrl as OAuth2AuthorizeUrl
const getAccessToken = oauth2Config?.getAccessToken as OAuth2GetAccessToken
const refreshAccessToken = oauth2Config?.refreshAccessToken as OAuth2GetAccessToken
const whoAmI = app.authentication?.test as (z: ZObject) => Promise<unknown>

const REDIRECT_URI = 'https://zapier.com/dashboard/auth/oauth/return/App1CLIAPI/'
const CODE = { code: 'one-time-code', redirect_uri: REDIRECT_URI, code_verifier: 'verifier' }
const ME = { id: 'u1', kind: 'oauth', name: 'Dana Reyes', email: 'dana@company.com', organization_id: 'o1', organization_name: 'Company', scopes: [] }

test('the authorization address carries what RFC 6749 §4.1.1 asks for, and the scopes', async () => {
  const url = new URL(await appTester(authorizeUrl, { inputData: { redirect_uri: REDIRECT_URI, state: 'st&te' } }))
  expect(url.origin + url.pathname).toBe(`${API}/oauth/authorize`)
  expect(Object.fromEntries(url.searchParams)).toEqual({
    client_id: 'client-id', response_type: 'code', redirect_uri: REDIRECT_URI, state: 'st&te', scope: oauth2Config?.scope
  })
  expect(oauth2Config).toMatchObject({ autoRefresh: true, enablePkce: true })
})

test('a code is exchanged with its verifier, and only flat tokens are kept', async () => {
  nock(API, { badheaders: ['authorization'] }).post('/oauth/token', {
    grant_type: 'authorization_code', ...CODE, client_id: 'client-id', client_secret: 'client-secret'
  }).matchHeader('content-type', 'application/x-www-form-urlencoded')
    .reply(200, { access_token: 'a', refresh_token: 'r', token_type: 'Bearer', expires_in: 3600, nested: { x: 1 } })
  expect(await appTester(getAccessToken, { inputData: CODE })).toEqual({ access_token: 'a', refresh_token: 'r' })
})

test.each([[{ refresh_token: 'new' }, 'new'], [{}, 'refresh-token-of-a-user']])('refreshing sends no stale token and, answered with %j, keeps %s', async (answer, kept) => {
  nock(API, { badheaders: ['authorization'] }).post('/oauth/token', {
    grant_type: 'refresh_token', refresh_token: 'refresh-token-of-a-user', client_id: 'client-id', client_secret: 'client-secret'
  }).reply(200, { access_token: 'fresh', ...answer })
  expect(await appTester(refreshAccessToken, { authData })).toEqual({ access_token: 'fresh', refresh_token: kept })
})

test.each([400, 503])('a token call that fails with %i keeps its status for Zapier, and no secret', async (status) => {
  nock(API).post('/oauth/token').reply(status, { error: 'invalid_grant' })
  const error = await appTester(refreshAccessToken, { authData }).catch((thrown: Error) => thrown) as Error
  expect(error.name).toBe('ResponseError')
  expect(JSON.parse(error.message)).toMatchObject({ status })
  expect(error.message).not.toMatch(/client-secret|refresh-token-of-a-user|access-token-of-a-user/)
})

test('a token call that breaks tells neither code nor verifier', async () => {
  nock(API).post('/oauth/token').replyWithError('socket hang up')
  const error = await appTester(getAccessToken, { inputData: CODE }).catch((thrown: Error) => thrown) as Error
  expect(error.message).toBe(`request to ${API}/oauth/token failed, reason: socket hang up`)
})

test('a token answer without token is an error', async () => {
  nock(API).post('/oauth/token').reply(200, { token_type: 'Bearer' })
  await expect(appTester(getAccessToken, { inputData: CODE })).rejects.toThrow(/CSCX sent tokens that cannot be read/)
})

test('the connection is tested with the token, and labelled by e-mail address and organization', async () => {
  nock(API, { reqheaders: { authorization: `Bearer ${ACCESS_TOKEN}` } }).get('/api/me').reply(200, ME)
  expect(await appTester(whoAmI, { authData })).toMatchObject({ email: 'dana@company.com', organization_name: 'Company' })
})

test('a connection without e-mail address is labelled by name', async () => {
  nock(API).get('/api/me').reply(200, { ...ME, email: null })
  expect(await appTester(whoAmI, { authData })).toMatchObject({ email: 'Dana Reyes' })
})

test('a connection that was revoked asks Zapier to refresh', async () => {
  nock(API).get('/api/me').reply(401)
  await expect(appTester(whoAmI, { authData })).rejects.toMatchObject({ name: 'RefreshAuthError' })
})

test.each([
  'https://elsewhere.test/',
  `${API}.elsewhere.test/api/me`,
  'http://cscx.test/api/me'
])('the token does not go to %s', async (url) => {
  const { origin, pathname } = new URL(url)
  nock(origin, { badheaders: ['authorization'] }).get(pathname).reply(200, {})
  expect(await appTester(async (z) => (await z.request(url)).status, { authData })).toBe(200)
})
