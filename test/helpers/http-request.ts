import { targetOf, type HttpRequest } from '../../server/outbound/sending/sender.js'

/** A POST of a small JSON body. */
export function post (url: string, headers: string[] = []): HttpRequest {
  const target = targetOf(url)
  if (!target) throw new Error(`${url} is not a URL`)
  return { method: 'POST', ...target, headers: ['content-type', 'application/json', ...headers], body: '{}' }
}
