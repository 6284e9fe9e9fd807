import { URL_MAX } from '../../../shared/webhook.js'
import { literalAddress, type AddressPolicy } from '../sending/address-policy.js'

export interface UrlPolicy {
  addresses: AddressPolicy
  /** Whether plain http is accepted; only ever for development. */
  allowHttp: boolean
}

/**
 * Why a URL cannot be a webhook's; undefined when it can. What a name resolves to is judged when connecting. The URL
 * parser has already turned octal, hex, short and decimal IPv4 spellings into the usual one (WHATWG URL §3.5).
 */
export function urlProblem (text: string, { addresses, allowHttp }: UrlPolicy): string | undefined {
  if (text.length > URL_MAX) return `The URL is longer than ${URL_MAX} characters`
  if (!URL.canParse(text)) return 'This is not a URL'
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'The URL must begin with https://'
  if (url.protocol === 'http:' && !allowHttp) return 'The URL must begin with https:// (plain http is off; ALLOW_HTTP turns it on for development)'
  if (url.username || url.password) return 'The URL must not hold credentials; use a header'
  const literal = literalAddress(url.hostname)
  if (literal !== undefined && !addresses.allows(literal)) return 'The URL points into a private network (ALLOWED_SUBNETS opens one for development)'
  return undefined
}
