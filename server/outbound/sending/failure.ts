import { errors } from 'undici'
import { BlockedAddressError, LookupError } from './connector.js'
import type { FailureCode } from './outcome.js'
import { storable } from './storable.js'

const DETAIL_MAX = 500

/** No complete answer came within the attempt's deadline. */
export class AttemptTimeoutError extends Error {}

const FAILURES: Readonly<Record<string, FailureCode>> = {
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  ETIMEDOUT: 'timeout',
  ECONNRESET: 'connection_reset',
  EPIPE: 'connection_reset',
  UND_ERR_SOCKET: 'connection_reset',
  UND_ERR_HEADERS_OVERFLOW: 'invalid_response',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'invalid_response',
  ERR_INVALID_URL: 'invalid_url',
  UND_ERR_INVALID_ARG: 'invalid_request',
  UND_ERR_NOT_SUPPORTED: 'invalid_request'
}

/** Node's and OpenSSL's codes for certificates and handshakes that fail. */
const TLS = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|EPROTO)/

/** This machine's own want of files or memory for one more connection: the receiver has no part in it, and nothing was sent. */
const OUR_WANT = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'])

type Coded = Error & { code?: string }

export function isOurWant ({ code }: Coded): boolean {
  return code !== undefined && OUR_WANT.has(code)
}

/** Names a failure, with what is known of it in a sentence. */
export function describeFailure (error: Coded): { error: FailureCode, detail: string } {
  const code = error.code ?? ''
  // A connection tried on several addresses fails with one error that holds the others.
  const message = error.message || (error as AggregateError).errors?.map(String).join('; ') || code
  return { error: failureCode(error, code), detail: storable((code === '' ? message : `${code}: ${message}`).slice(0, DETAIL_MAX)) }
}

function failureCode (error: Error, code: string): FailureCode {
  if (error instanceof BlockedAddressError) return 'blocked_address'
  if (error instanceof LookupError) return 'dns_failed'
  if (error instanceof AttemptTimeoutError) return 'timeout'
  if (TLS.test(code)) return 'tls_failed'
  if (error instanceof errors.HTTPParserError) return 'invalid_response'
  return FAILURES[code] ?? 'connection_failed'
}
