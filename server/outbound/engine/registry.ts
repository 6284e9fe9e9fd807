import type { KeyRing } from '../../auth/index.js'
import type { Sql } from '../../db/client.js'
import type { RetiredKey } from '../../db/schema/index.js'
import { openRecipient, type Recipient } from '../sending/compose.js'
import type { LaneSettings } from './lanes.js'

/** Webhooks that are kept open; of more, those that were read first go. */
const OPEN_MAX = 10_000

/** A webhook as the engine uses it. */
export interface OpenWebhook extends LaneSettings {
  /** Undefined when its secrets cannot be decrypted. */
  recipient: Recipient | undefined
}

interface WebhookRow {
  id: string
  organization_id: string
  user_id: string | null
  kind: 'custom' | 'zapier'
  url: string
  secret: string
  headers: Record<string, string>
  ed25519_key: string | null
  retired_keys: RetiredKey[]
  ordered: boolean
  rate_per_second: number | null
  rate_burst: number | null
  version: number
}

/**
 * Webhooks with their secrets decrypted and their URLs parsed, kept from delivery to delivery. Every statement that leases
 * a delivery says which version its webhook has, so that what is kept is never older than what is sent.
 */
export class Registry {
  readonly #sql: Sql
  readonly #keyRing: KeyRing
  readonly #onError: (error: unknown, doing: string) => void
  readonly #open = new Map<string, OpenWebhook>()

  constructor (sql: Sql, keyRing: KeyRing, onError: (error: unknown, doing: string) => void) {
    this.#sql = sql
    this.#keyRing = keyRing
    this.#onError = onError
  }

  /** @returns undefined when it is not kept in that version (or a later one): then {@link load} it. */
  find (id: string, version: number): OpenWebhook | undefined {
    const found = this.#open.get(id)
    return found !== undefined && found.version >= version ? found : undefined
  }

  /** Ids of those that are not kept in that version, each once. */
  missing (webhooks: ReadonlyArray<{ id: string, version: number }>): string[] {
    return [...new Set(webhooks.filter(({ id, version }) => !this.find(id, version)).map(({ id }) => id))]
  }

  /** Reads webhooks. Those that are not there, or no more, are not kept. */
  async load (ids: readonly string[]): Promise<void> {
    const rows = await this.#sql<WebhookRow[]>`
      select id, organization_id, user_id, kind, url, secret, headers, ed25519_key, retired_keys, ordered, rate_per_second, rate_burst, version
      from cscx_zapier.outbound_webhooks where id = any(${[...ids]}::uuid[]) and deleted_at is null`
    for (const id of ids) this.#open.delete(id)
    for (const row of rows) this.#open.set(row.id, this.#openRow(row))
    for (const id of this.#open.keys()) {
      if (this.#open.size <= OPEN_MAX) break
      this.#open.delete(id)
    }
  }

  #openRow (row: WebhookRow): OpenWebhook {
    return {
      id: row.id,
      organizationId: row.organization_id,
      userId: row.user_id,
      kind: row.kind,
      ordered: row.ordered,
      ratePerSecond: row.rate_per_second,
      rateBurst: row.rate_burst,
      version: row.version,
      recipient: this.#recipient(row)
    }
  }

  #recipient ({ url, secret, headers, ed25519_key: ed25519Key, retired_keys: retiredKeys }: WebhookRow): Recipient | undefined {
    try {
      return openRecipient(this.#keyRing, { url, secret, headers, ed25519Key, retiredKeys })
    } catch (error) {
      this.#onError(error, 'decrypt the secrets of a webhook')
      return undefined
    }
  }
}
