import type { Database } from '../../db/client.js'
import { USER_AGENT } from '../sending/compose.js'
import type { AttemptResult } from '../sending/outcome.js'
import { parseRetryAfterMs } from '../sending/retry-schedule.js'
import { targetOf, type Sender } from '../sending/sender.js'

/** How often {@link sendEndNotices} is worth a round, in milliseconds. */
export const END_NOTICES_MS = 5_000

/** Notices that one round sends at most. */
const BATCH = 20

/** Waits after each try but the last: a minute, ten, an hour, six. */
const WAITS_MS = [60_000, 600_000, 3_600_000, 21_600_000] as const
/** How often Zapier is told, if it does not hear. */
const TRIES = WAITS_MS.length + 1

/** Where no connection was free, so that nothing was sent. */
const UNSENT_WAIT_MS = 60_000

const HEADERS = ['user-agent', USER_AGENT]

interface Notice {
  id: string
  organization_id: string
  url: string
  /** This try included. */
  tries: number
}

/** What a round came to. */
export interface EndNotices {
  /** How many were tried; call again at once when any was. */
  tried: number
  /** Ended webhooks of which Zapier could not be told, and why not: they are not tried again. */
  givenUp: Array<{ webhookId: string, error: string }>
}

/**
 * Tells Zapier of subscriptions that ended on our side: DELETE of the hook URL pauses the Zap (REST Hooks as Zapier reads
 * them). Tried {@link TRIES} times with growing waits, never before a Retry-After. The next try is planned before this one
 * is made, so that a process that dies leaves it to whichever comes then, and no two make the same.
 */
export async function sendEndNotices (database: Pick<Database, 'sql'>, sender: Sender): Promise<EndNotices> {
  const notices = await takeNotices(database)
  const errors = await Promise.all(notices.map(async (notice) => await tell(database, sender, notice)))
  const givenUp = notices.flatMap(({ id, tries }, index) => {
    const error = errors[index]
    return error !== undefined && tries >= TRIES ? [{ webhookId: id, error }] : []
  })
  return { tried: notices.length, givenUp }
}

async function takeNotices ({ sql }: Pick<Database, 'sql'>): Promise<Notice[]> {
  return await sql<Notice[]>`
    update cscx_zapier.outbound_webhooks w set
      end_notice_attempts = w.end_notice_attempts + 1,
      end_notice_at = now() + (${[...WAITS_MS]}::int[])[w.end_notice_attempts + 1] * interval '1 millisecond'
    where w.id in (
      select id from cscx_zapier.outbound_webhooks where end_notice_at <= now() order by end_notice_at limit ${BATCH} for update skip locked)
    returning w.id, w.organization_id, w.url, w.end_notice_attempts as tries`
}

/** @returns why Zapier has not been told; undefined when it has. */
async function tell ({ sql }: Pick<Database, 'sql'>, sender: Sender, { id, organization_id: organizationId, url, tries }: Notice): Promise<string | undefined> {
  const target = targetOf(url)
  const result = target && await sender.send({ method: 'DELETE', ...target, headers: HEADERS, body: null })
  if (result === undefined || hasHeard(result)) {
    await sql`update cscx_zapier.outbound_webhooks set end_notice_at = null where id = ${id} and organization_id = ${organizationId}`
    return undefined
  }
  if (result.kind === 'unsent') {
    await sql`
      update cscx_zapier.outbound_webhooks set end_notice_attempts = ${tries - 1}, end_notice_at = now() + ${UNSENT_WAIT_MS}::int * interval '1 millisecond'
      where id = ${id} and organization_id = ${organizationId}`
    return undefined
  }
  if (result.kind === 'failure') return result.error
  const waitMs = parseRetryAfterMs(result.headers['retry-after'], Date.now()) ?? 0
  await sql`
    update cscx_zapier.outbound_webhooks set end_notice_at = greatest(end_notice_at, now() + ${waitMs}::int * interval '1 millisecond')
    where id = ${id} and organization_id = ${organizationId} and end_notice_at is not null`
  return `http_${result.status}`
}

/** Whether the receiver knows now, or knew before: that there is no such hook any more is as good. */
function hasHeard (result: AttemptResult): boolean {
  return result.kind === 'response' && ((result.status >= 200 && result.status < 300) || result.status === 404 || result.status === 410)
}
