import * as zod from 'zod'
import type { Bundle, ZObject } from 'zapier-platform-core'
import type { EventDefinition } from '../../shared/catalogue/index.js'
import { Envelope } from '../../shared/envelope.js'
import { verifyV1, type VerifyFailure } from '../../shared/signature.js'

/** What subscribing returned, as Zapier keeps it. Subscriptions made before secrets were handed out have none. */
export const SubscribeData = zod.object({ id: zod.string().min(1), secret: zod.string().min(1).optional() })

/**
 * How old a hook may be when it is read. Zapier takes hooks in at once but may queue them for hours while it is busy or
 * the Zap is held: a tolerance of minutes, as receivers of their own use it, would lose events.
 */
const TOLERANCE_SECONDS = 3 * 24 * 60 * 60

const FAILURES: Record<VerifyFailure, string> = {
  missing_header: 'it carries no signature',
  timestamp_out_of_tolerance: 'its timestamp is more than three days off',
  signature_mismatch: 'its signature does not match'
}

/**
 * Verifies a hook that Zapier received and reads the envelope in it.
 * @throws `z.errors.HaltedError` when it does not come from CSCX unchanged and in time, or is not an event of this type.
 */
export function readHook (z: ZObject, bundle: Bundle, event: EventDefinition): Envelope {
  const refuse = (why: string): never => { throw new z.errors.HaltedError(`The webhook was refused: ${why}.`) }
  const { rawRequest, cleanedRequest } = bundle
  // Read without a schema: a damaged secret has to refuse hooks, where a failed parse would let them pass as if there were none.
  const { secret } = (bundle.subscribeData ?? {}) as { secret?: unknown }
  if (secret !== undefined && secret !== null) {
    const failure = verify(String(secret), rawRequest)
    if (failure !== undefined) refuse(failure)
  }
  const envelope = Envelope.safeParse(rawRequest?.content === undefined ? cleanedRequest : parseJson(rawRequest.content))
  if (!envelope.success) return refuse('its body is not an event of CSCX')
  if (envelope.data.event !== event.name) refuse(`it carries another event than ${event.name}`)
  return envelope.data
}

/** Why a hook does not verify, in words; undefined when it does. */
function verify (secret: string, rawRequest: Bundle['rawRequest']): string | undefined {
  try {
    const failure = verifyV1(secret, signedRequest(rawRequest), Math.floor(Date.now() / 1000), TOLERANCE_SECONDS)
    return failure && FAILURES[failure]
  } catch (error) {
    if (error instanceof RangeError) return 'the subscription\'s secret is damaged; turn the Zap off and on again'
    throw error
  }
}

/** Zapier hands headers over as `Http-Webhook-Id`; neither the prefix nor the case is relied on. */
function signedRequest (rawRequest: Bundle['rawRequest']) {
  const headers = new Map(Object.entries(rawRequest?.headers ?? {}).map(([name, value]) => [name.toLowerCase().replace(/^http-/, ''), value]))
  return {
    id: headers.get('webhook-id'),
    timestamp: headers.get('webhook-timestamp'),
    signature: headers.get('webhook-signature'),
    body: rawRequest?.content ?? ''
  }
}

function parseJson (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
