import type { AfterResponseMiddleware, BeforeRequestMiddleware } from 'zapier-platform-core'
import { isApiUrl, isTokenUrl } from './api.js'
import { throwForProblem } from './problem.js'

/**
 * Adds the user's access token to calls of CSCX's API and to no other. Token calls go without: they run when the token
 * at hand is stale. Redirects are refused, since the API has none and a token must not travel along.
 */
export const authorize: BeforeRequestMiddleware = (request, _z, { authData }) => {
  if (!isApiUrl(request.url)) return request
  const token = isTokenUrl(request.url) ? undefined : authData?.['access_token']
  return {
    ...request,
    redirect: 'error',
    headers: {
      Accept: 'application/json, application/problem+json',
      ...request.headers,
      ...(token && { Authorization: `Bearer ${token}` })
    }
  }
}

/** Explains errors of CSCX's API. A failed token call keeps core's own error: Zapier reads its status to tell a broken connection from a busy server. */
export const explainErrors: AfterResponseMiddleware = (response, z) => {
  const url = response.request.url ?? ''
  if (!response.skipThrowForStatus && isApiUrl(url) && !isTokenUrl(url)) throwForProblem(response, z)
  return response
}
