import { uuidv7 } from 'uuidv7'
import { connect, type Database } from '../../server/db/client.js'
import { migrate } from '../../server/db/migrate.js'
import type { WebhookKind } from '../../shared/webhook.js'
import { createDatabase } from '../helpers/postgres.js'

export const ORGANIZATION = 'd0000000-0000-4000-8000-000000000001'
export const OTHER_ORGANIZATION = 'd0000000-0000-4000-8000-000000000002'

export interface WebhookOptions {
  kind?: WebhookKind
  url?: string
  events?: string[]
  active?: boolean
  organization?: string
  /** How long it has failed. */
  failingMs?: number
}

export interface DeliveryOptions {
  status?: string
  nextAttemptAt?: string
  leasedBy?: number | null
  organization?: string
}

/** The adapter's tables without anything that works on them, and rows for them. */
export class WebhooksWorkbench {
  readonly database: Database
  readonly #created: Awaited<ReturnType<typeof createDatabase>>

  private constructor (created: Awaited<ReturnType<typeof createDatabase>>) {
    this.#created = created
    this.database = connect(created.url, 8)
  }

  static async open (): Promise<WebhooksWorkbench> {
    const bench = new WebhooksWorkbench(await createDatabase({ baseline: false }))
    await migrate(bench.database)
    return bench
  }

  /** For preparing and looking: not the pool that is tested. */
  get sql () {
    return this.#created.sql
  }

  async clear (): Promise<void> {
    await this.sql`truncate cscx_zapier.outbound_webhooks, cscx_zapier.webhook_revisions, cscx_zapier.webhook_deliveries, cscx_zapier.delivery_attempts, cscx_zapier.events`
  }

  async drop (): Promise<void> {
    await this.database.close()
    await this.#created.drop()
  }

  async webhook ({ kind = 'custom', url = 'https://hooks.example.com:8443/secret/path?token=1', events = ['task.created'], active = true, organization = ORGANIZATION, failingMs }: WebhookOptions = {}): Promise<string> {
    const id = uuidv7()
    await this.sql`
      insert into cscx_zapier.outbound_webhooks (id, organization_id, kind, name, url, events, active, secret, headers, ed25519_key, retired_keys, failing_since)
      values (${id}, ${organization}, ${kind}, 'Warehouse', ${url}, ${events}, ${active}, 'sealed', '{"X-Key":"sealed"}', 'sealed', '[{"key":"sealed","expires_at":"2031-01-01T00:00:00Z"}]',
        ${failingMs === undefined ? null : new Date(Date.now() - failingMs)})`
    return id
  }

  async delivery (webhookId: string, { status = 'pending', nextAttemptAt = 'now', leasedBy = null, organization = ORGANIZATION }: DeliveryOptions = {}): Promise<string> {
    const id = uuidv7()
    await this.sql`
      insert into cscx_zapier.webhook_deliveries (id, organization_id, webhook_id, event_id, event_type, status, next_attempt_at, leased_by)
      values (${id}, ${organization}, ${webhookId}, ${uuidv7()}, 'task.created', ${status}, ${nextAttemptAt}::text::timestamptz, ${leasedBy})`
    return id
  }

  /** Statuses of a webhook's deliveries, in order. */
  async statusesOf (webhookId: string): Promise<string[]> {
    return (await this.sql<Array<{ status: string }>>`select status from cscx_zapier.webhook_deliveries where webhook_id = ${webhookId} order by id`).map(({ status }) => status)
  }

  /** The row of a webhook. */
  async stateOf (id: string): Promise<Record<string, unknown>> {
    const [row] = await this.sql`select * from cscx_zapier.outbound_webhooks where id = ${id}`
    return row!
  }

  /** Data of the `webhook.disabled` events so far. */
  async raised (): Promise<Array<Record<string, unknown>>> {
    return (await this.sql<Array<{ data: Record<string, unknown> }>>`select data from cscx_zapier.events where type = 'webhook.disabled' order by id`).map(({ data }) => data)
  }
}
