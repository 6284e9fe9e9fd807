import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type postgres from 'postgres'
import { createApiKey, createKeyRing } from '../../server/auth/index.js'
import { attachCapture } from '../../server/capture/attach.js'
import { CscxSchema } from '../../server/cscx/tables.js'
import { connect, type Database } from '../../server/db/client.js'
import { openDriver } from '../../server/db/driver.js'
import { migrate } from '../../server/db/migrate.js'
import {
  addressPolicy, createSender, createWebhook, DeliveryWorker, DELIVERIES_CHANNEL, Ingest, parseRetrySchedule, webhookInput, type Sender
} from '../../server/outbound/index.js'
import { composeRequest, openRecipient, type OutgoingRequest } from '../../server/outbound/sending/compose.js'
import type { BenchEvent } from './payload.js'

// The only file that knows the inside of the product: how the engine is called, and its tables.

/** Where events go. */
export interface Target {
  organizationId: string
  webhookId: string
  url: string
  /** The signing secret, as its owner was shown it. */
  secret: string
}

/** What every process of the bench seals secrets with. */
export const ENCRYPTION_KEY = 'the key that all of the bench uses'
/** The organization of CSCX's demo rows (server/db/baseline/demo.sql). */
export const DEMO_ORGANIZATION = 'd0000000-0000-4000-8000-000000000001'
const RETRY_SCHEDULE = '5s,5m,30m'
/** The product's own setting (server/server.ts), and so everybody's here. */
export const CONNECTIONS_PER_ORIGIN = 128
/** The product's own setting (server/db/open.ts), and so everybody's here. */
export const POOL_SIZE = 10

const keyRing = createKeyRing([ENCRYPTION_KEY])
const addresses = addressPolicy(['127.0.0.0/8'])
const urlPolicy = { addresses, allowHttp: true }

/** An organization that has nothing in CSCX's tables. */
export const organizationId = (number: number) => `e0000000-0000-4000-8000-${String(number).padStart(12, '0')}`

/** Does something with a connection that is closed afterwards. */
async function withDatabase<T> (url: string, use: (database: Database) => Promise<T>): Promise<T> {
  const database = connect(url, 1)
  try {
    return await use(database)
  } finally {
    await database.close()
  }
}

/** Gives an empty database CSCX's tables with demo rows, and the adapter's schema. */
export async function prepareDatabase (url: string): Promise<void> {
  const baseline = join(import.meta.dirname, '../../server/db/baseline')
  await withDatabase(url, async (database) => {
    for (const file of ['schema.sql', 'demo.sql']) await database.sql.unsafe(readFileSync(join(baseline, file), 'utf8'))
    await migrate(database)
  })
}

/** Attaches the capture triggers. */
export async function attachTriggers (url: string): Promise<void> {
  await withDatabase(url, async ({ sql }) => { await attachCapture(sql, await new CscxSchema(sql).refresh()) })
}

/** A client that knows nothing of the product's tables. */
export function plainClient (url: string, max: number): postgres.Sql {
  return openDriver(url, { max, onnotice: () => {} })
}

/** Makes an API key of the demo organization. */
export async function createKey (url: string): Promise<string> {
  return await withDatabase(url, async (database) => await createApiKey(database, DEMO_ORGANIZATION, 'Bench', ['events:write']))
}

/** Creates a webhook for each URL, each of an organization of its own unless one is given. */
export async function addWebhooks (databaseUrl: string, urls: readonly string[], events: readonly string[], organization?: string): Promise<Target[]> {
  return await withDatabase(databaseUrl, async (database) => {
    const targets: Target[] = []
    for (const [number, url] of urls.entries()) {
      const owner = { organizationId: organization ?? organizationId(number), id: 'bench' }
      const settings = webhookInput(urlPolicy).NewWebhook.parse({ name: `Bench ${number}`, url, events })
      const { id, secret } = await createWebhook({ database, keyRing, urlPolicy }, owner, settings)
      targets.push({ organizationId: owner.organizationId, webhookId: id, url, secret })
    }
    return targets
  })
}

/** Makes requests as the engine does: composed and signed by the same code, with everything worked out that stays the same. */
export function requestsTo ({ url, secret }: Pick<Target, 'url' | 'secret'>): (event: BenchEvent, deliveryId: string) => OutgoingRequest {
  const recipient = openRecipient(keyRing, { url, secret: keyRing.seal(secret), headers: {}, ed25519Key: null, retiredKeys: [] })
  return ({ id, type, occurredAt, dataJson }, deliveryId) =>
    composeRequest({ id, event: type, timestamp: occurredAt, dataJson }, deliveryId, recipient, Math.floor(Date.now() / 1_000))
}

/** The product's sender, guarded connector and all: what competitors send with too. */
export function benchSender (): Sender {
  return createSender(addresses, CONNECTIONS_PER_ORIGIN)
}

export interface Engine {
  /** Resolves when the event and its deliveries are committed. */
  post: (event: BenchEvent) => Promise<void>
  stop: () => Promise<void>
}

/**
 * Starts ingest and a delivery worker in this process, as the server does (server/workers.ts).
 * @param onSent Called after each attempt, before it is recorded.
 * @param onRoundTrip Called for each statement sent to the database, begin and commit included.
 */
export async function startEngine (databaseUrl: string, onSent: () => void, onRoundTrip?: () => void): Promise<Engine> {
  const database = connectCounted(databaseUrl, onRoundTrip)
  const sender = benchSender()
  const watched: Sender = {
    ...sender,
    send: async (request) => {
      const result = await sender.send(request)
      onSent()
      return result
    }
  }
  const ingest = new Ingest(database.sql)
  const worker = await DeliveryWorker.start({ database, sender: watched, keyRing, schedule: parseRetrySchedule(RETRY_SCHEDULE), onError: report })
  ingest.serve(worker)
  const listener = await database.sql.listen(DELIVERIES_CHANNEL, (about) => worker.wake(about))
  return {
    post: async (event) => await ingest.post(event),
    stop: async () => {
      ingest.serve(undefined)
      await listener.unlisten()
      await worker.stop()
      await sender.close()
      await database.close()
    }
  }
}

function report (error: unknown, doing: string): void {
  process.stderr.write(`could not ${doing}: ${String(error)}\n`)
}

function connectCounted (databaseUrl: string, onRoundTrip: (() => void) | undefined): Database {
  return connect(databaseUrl, POOL_SIZE, onRoundTrip && { debug: onRoundTrip })
}

/** Deliveries that are not done. */
export async function pendingDeliveries (sql: postgres.Sql): Promise<number> {
  const [row] = await sql<Array<{ count: number }>>`select count(*)::int as count from cscx_zapier.webhook_deliveries where status = 'pending'`
  return row?.count ?? NaN
}

/** Deliveries that are recorded as delivered, and have an attempt that is recorded too. */
export async function recordedDeliveries (sql: postgres.Sql): Promise<number> {
  // Not joined: of tables that grew a moment ago, Postgres has no statistics, and picks a plan that takes minutes.
  const [row] = await sql<Array<{ count: number }>>`
    select least(
      (select count(*) from cscx_zapier.webhook_deliveries where status = 'delivered'),
      (select count(distinct delivery_id) from cscx_zapier.delivery_attempts where response_status between 200 and 299))::int as count`
  return row?.count ?? NaN
}

/** Inserts deliveries that are due, as an outage leaves them behind. Takes some seconds for a million. */
export async function insertPending (sql: postgres.Sql, { organizationId, webhookId }: Target, count: number, { type, dataJson }: BenchEvent): Promise<void> {
  await sql`
    with recorded as (
      insert into cscx_zapier.events (id, organization_id, type, data, occurred_at)
      select uuidv7(), ${organizationId}::uuid, ${type}, ${dataJson}::text::json, now() from generate_series(1, ${count}::int)
      returning id
    )
    insert into cscx_zapier.webhook_deliveries (id, organization_id, webhook_id, event_id, event_type, next_attempt_at)
    select cscx_zapier.delivery_id(id), ${organizationId}::uuid, ${webhookId}::uuid, id, ${type}, now() from recorded`
}
