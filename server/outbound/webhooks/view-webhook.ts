import type { WebhookView } from '../../../shared/webhook.js'
import { openSigningKeys, type SigningKey } from '../sending/signing-key.js'
import { viewFilter } from './filter.js'
import { viewHeaders } from './headers.js'
import { schemesOf, unexpired } from './secrets.js'
import type { WebhookContext, WebhookRow } from './webhooks.js'

/** A webhook as the API shows it: with its keys named and its public keys, but without any secret. */
export function viewWebhook ({ keyRing }: Pick<WebhookContext, 'keyRing'>, row: WebhookRow): WebhookView {
  const keys = openSigningKeys(keyRing, { ...row, retiredKeys: unexpired(row.retiredKeys) })
  return {
    id: row.id,
    kind: row.kind,
    name: row.name,
    url: row.url,
    events: row.events,
    filter: row.filter && viewFilter(row.filter),
    headers: viewHeaders(keyRing, row.headers),
    ordered: row.ordered,
    rate_limit: row.ratePerSecond === null ? null : { per_second: row.ratePerSecond, burst: row.rateBurst },
    signature_schemes: schemesOf(row),
    keys: keys.map((key) => ({ id: key.id, scheme: key.scheme, expires_at: expiryOf(key) })),
    public_keys: keys.flatMap((key) => key.publicKey === null ? [] : [{ id: key.id, public_key: key.publicKey, expires_at: expiryOf(key) }]),
    active: row.active,
    disabled_reason: row.disabledReason,
    inactive_since: row.inactiveSince?.toISOString() ?? null,
    failing_since: row.failingSince?.toISOString() ?? null,
    throttled_until: row.throttledUntil !== null && row.throttledUntil.getTime() > Date.now() ? row.throttledUntil.toISOString() : null,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString()
  }
}

function expiryOf ({ expiresAtSeconds }: SigningKey): string | null {
  return expiresAtSeconds === Infinity ? null : new Date(expiresAtSeconds * 1_000).toISOString()
}
