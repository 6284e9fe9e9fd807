import * as zod from 'zod'
import type { Authentication, Bundle, ZObject } from 'zapier-platform-core'
import { actions } from '../../shared/catalogue/index.js'
import type { Scope } from '../../shared/scopes.js'
import { readAnswer } from './answer.js'
import { apiUrl, TOKEN_PATH } from './api.js'
import { withPlainErrors } from './plain-errors.js'

/** What the app does: subscribe and unsubscribe, read samples, run actions. */
const scopes: Scope[] = [...new Set<Scope>(['webhooks:write', 'events:read', ...actions.map((action) => action.scope)])]
const scope = scopes.join(' ')

/** Token answer, RFC 6749 §5.1. Other members are dropped: only what a call needs is kept with the connection. */
const Tokens = zod.object({ access_token: zod.string().min(1), refresh_token: zod.string().min(1).optional() })

/** Who a connection belongs to; `test` below turns a missing e-mail address into the name, so that the label always tells connections apart. */
const Me = zod.object({ id: zod.string(), name: zod.string().nullish(), email: zod.string().nullish(), organization_id: zod.string(), organization_name: zod.string().nullish() })

type Form = Record<string, string | undefined>

/** Zapier adds the PKCE challenge (S256) to the address by itself. */
async function authorizeUrl (_z: ZObject, { inputData }: Bundle): Promise<string> {
  const query = new URLSearchParams({
    client_id: process.env['CLIENT_ID'] ?? '',
    response_type: 'code',
    redirect_uri: String(inputData['redirect_uri'] ?? ''),
    state: String(inputData['state'] ?? ''),
    scope
  })
  return `${apiUrl('/oauth/authorize')}?${query.toString()}`
}

/** Calls the token endpoint. Core throws for its errors, with the status that Zapier's handling of connections depends on. */
async function requestTokens (z: ZObject, form: Form): Promise<zod.output<typeof Tokens>> {
  const response = await z.request({
    url: apiUrl(TOKEN_PATH),
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: { ...form, client_id: process.env['CLIENT_ID'], client_secret: process.env['CLIENT_SECRET'] }
  })
  return readAnswer(z, Tokens, response.data, 'tokens')
}

function getAccessToken (z: ZObject, { inputData }: Bundle<Form>) {
  const { code, redirect_uri: redirectUri, code_verifier: codeVerifier } = inputData
  return requestTokens(z, { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: codeVerifier })
}

/** The refresh token stays as it is when the answer brings no new one (RFC 6749 §6). */
async function refreshAccessToken (z: ZObject, { authData }: Bundle) {
  const refreshToken = authData['refresh_token']
  return { refresh_token: refreshToken, ...await requestTokens(z, { grant_type: 'refresh_token', refresh_token: refreshToken }) }
}

async function test (z: ZObject) {
  const response = await z.request({ url: apiUrl('/api/me') })
  const me = readAnswer(z, Me, response.data, 'an account')
  return { ...me, email: me.email ?? me.name ?? me.id, organization_name: me.organization_name ?? me.organization_id }
}

/** OAuth 2 with PKCE at CSCX. The label is a template because `zapier-platform invoke auth label` renders nothing else. */
export const authentication = {
  type: 'oauth2',
  oauth2Config: {
    authorizeUrl,
    getAccessToken: withPlainErrors(getAccessToken),
    refreshAccessToken: withPlainErrors(refreshAccessToken),
    autoRefresh: true,
    enablePkce: true,
    scope
  },
  test: withPlainErrors(test),
  connectionLabel: '{{email}} ({{organization_name}})'
} satisfies Authentication
