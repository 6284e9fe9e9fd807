import type { Bench } from './bench.js'
import { startChild, type Child } from './child.js'
import { addWebhooks, createKey, DEMO_ORGANIZATION, pendingDeliveries, type Target } from './engine.js'
import { until } from './load.js'
import type { BenchDatabase } from './postgres.js'
import type { ProductMethods } from './product.js'

export interface RunningProduct {
  child: Child<ProductMethods>
  database: BenchDatabase
  targets: Target[]
  url: string
  /** An API key of the demo organization. */
  key: string
  /** Waits until every delivery is recorded as done. */
  drained: () => Promise<void>
  stop: () => Promise<void>
}

interface ProductSetup {
  /** URLs of the demo organization's webhooks, and the event types that they select. */
  urls: string[]
  events: string[]
  role?: 'all' | 'api' | 'worker'
  /** What happens to the database before the product starts. */
  prepare?: (database: BenchDatabase, targets: readonly Target[]) => Promise<void>
}

/** Starts the product in a process of its own, on a database of its own with CSCX's tables and demo rows. */
export async function startProductChild (bench: Pick<Bench, 'cluster'>, { urls, events, role = 'all', prepare }: ProductSetup): Promise<RunningProduct> {
  const database = await bench.cluster.createDatabase()
  const targets = await addWebhooks(database.url, urls, events, DEMO_ORGANIZATION)
  const key = await createKey(database.url)
  await prepare?.(database, targets)
  const child = await startChild<ProductMethods>('product')
  const stop = async () => {
    await child.stop()
    await database.drop()
  }
  try {
    const url = await child.ask.start(database.url, role)
    return { child, database, targets, url, key, drained: async () => await until(async () => await pendingDeliveries(database.sql) === 0), stop }
  } catch (error) {
    await stop()
    throw error
  }
}
