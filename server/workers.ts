import type { FastifyBaseLogger } from 'fastify'
import type { KeyRing } from './auth/index.js'
import { CaptureWorker, CHANGES_CHANNEL } from './capture/index.js'
import { startChores } from './chores.js'
import type { CscxSchema } from './cscx/tables.js'
import type { Database } from './db/client.js'
import { databaseError } from './db/failures.js'
import type { Env } from './env.js'
import { DELIVERIES_CHANNEL, DeliveryWorker, RedeliveryWorker, type Ingest, type Sender } from './outbound/index.js'

interface WorkerContext {
  env: Env
  database: Database
  schema: CscxSchema
  sender: Sender
  ingest: Ingest
  keyRing: KeyRing
  logger: FastifyBaseLogger
}

export interface Workers {
  stop: () => Promise<void>
}

/** Starts capture and delivery, and wakes them when the database announces work; should an announcement be missed, they poll. */
export async function startWorkers ({ env, database, schema, sender, ingest, keyRing, logger }: WorkerContext): Promise<Workers> {
  const onError = (error: unknown, doing: string) => logger.error({ err: databaseError(error), doing }, 'background work failed; it goes on')
  const delivery = await DeliveryWorker.start({ database, sender, keyRing, schedule: env.RETRY_SCHEDULE, onError })
  ingest.serve(delivery)
  const onNotice = (message: string) => logger.info(message)
  const capture = new CaptureWorker({ database, schema, taker: delivery, renewalThresholds: env.RENEWAL_THRESHOLDS, onError, onNotice })
  await capture.start()
  const redelivery = new RedeliveryWorker({ database, onError })
  await redelivery.start()
  const listeners = await Promise.all([
    database.sql.listen(CHANGES_CHANNEL, () => capture.wake(), () => capture.wake()),
    database.sql.listen(DELIVERIES_CHANNEL, (about) => delivery.wake(about), () => delivery.wake('due'))
  ])
  const chores = startChores({ database, sender, onError, onNotice })
  return {
    stop: async () => {
      ingest.serve(undefined)
      await Promise.all([
        ...listeners.map(async (listener) => await listener.unlisten().catch(() => { /* A lost connection listens to nothing. */ })),
        ...[...chores, redelivery, capture, delivery].map(async (worker) => await worker.stop())
      ])
    }
  }
}
