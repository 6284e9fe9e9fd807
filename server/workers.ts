import type { FastifyBaseLogger } from 'fastify'
import type { KeyRing } from './auth/index.js'
import { CaptureWorker, CHANGES_CHANNEL } from './capture/index.js'
import type { CscxSchema } from './cscx/tables.js'
import type { Database } from './db/client.js'
import { databaseError } from './db/failures.js'
import type { Env } from './env.js'
import { forgetExpiredKeys } from './idempotency.js'
import { startLoop } from './loop.js'
import { DELIVERIES_CHANNEL, DeliveryWorker, type Sender } from './outbound/index.js'

interface WorkerContext {
  env: Env
  database: Database
  schema: CscxSchema
  sender: Sender
  keyRing: KeyRing
  logger: FastifyBaseLogger
}

/** How often idempotency keys that have expired are forgotten, a batch at a time. */
const FORGET_MS = 600_000

export interface Workers {
  stop: () => Promise<void>
}

/** Starts capture and delivery, and wakes them when the database announces work; should an announcement be missed, they poll. */
export async function startWorkers ({ env, database, schema, sender, keyRing, logger }: WorkerContext): Promise<Workers> {
  const onError = (error: unknown, doing: string) => logger.error({ err: databaseError(error), doing }, 'background work failed; it goes on')
  const capture = new CaptureWorker({
    database, schema, renewalThresholds: env.RENEWAL_THRESHOLDS, onError, onNotice: (message) => logger.info(message)
  })
  const delivery = new DeliveryWorker({ database, sender, keyRing, schedule: env.RETRY_SCHEDULE, onError })
  await capture.start()
  await delivery.start()
  const listeners = await Promise.all([
    database.sql.listen(CHANGES_CHANNEL, () => capture.wake(), () => capture.wake()),
    database.sql.listen(DELIVERIES_CHANNEL, () => delivery.wake(), () => delivery.wake())
  ])
  const forget = startLoop({
    run: async () => await forgetExpiredKeys(database.sql) > 0,
    pauseMs: FORGET_MS,
    onError: (error) => onError(error, 'forget idempotency keys')
  })
  return {
    stop: async () => {
      await Promise.all([...listeners.map(async (listener) => await listener.unlisten().catch(() => { /* A lost connection listens to nothing. */ })), forget.stop(), capture.stop(), delivery.stop()])
    }
  }
}
