import type { KeyRing } from '../../auth/index.js'
import type { Database } from '../../db/client.js'
import { startLoop, type Loop } from '../../loop.js'
import { claimDeliveries, unparkDeliveries, type ClaimedDelivery } from './claim.js'
import { composeRequest, type Recipient } from '../sending/compose.js'
import { decide, type AttemptResult } from '../sending/outcome.js'
import { recordAttempts } from './record-attempts.js'
import { Recorder } from './recorder.js'
import type { Sender } from '../sending/sender.js'
import { releaseDeadLeases, takeIdentity, type WorkerIdentity } from './worker-identity.js'

/** Deliveries that one process has under way at most, from claim to record. */
const WINDOW = 512
const CLAIM_BATCH = 256
/** How soon a retry that falls due is noticed; new deliveries announce themselves. */
const POLL_MS = 250
const HOUSEKEEPING_MS = 5_000

export interface DeliveryWorkerOptions {
  database: Database
  sender: Sender
  keyRing: KeyRing
  /** Waits between attempts, in milliseconds. */
  schedule: readonly number[]
  onError: (error: unknown, doing: string) => void
}

/** Claims, sends and records deliveries until it is stopped. Any number of processes may run one. */
export class DeliveryWorker {
  readonly #options: DeliveryWorkerOptions
  readonly #recorder: Recorder
  readonly #underWay = new Set<Promise<void>>()
  #identity: WorkerIdentity | undefined
  #loops: Loop[] = []

  constructor (options: DeliveryWorkerOptions) {
    this.#options = options
    this.#recorder = new Recorder(
      async (attempts) => await recordAttempts(options.database, this.#id, attempts),
      (error) => options.onError(error, 'record attempts'))
  }

  async start (): Promise<void> {
    const { database, onError } = this.#options
    this.#identity = await takeIdentity(database)
    await releaseDeadLeases(database.sql, this.#identity.id)
    this.#loops = [
      startLoop({ run: async () => await this.#claim(), pauseMs: POLL_MS, onError: (error) => onError(error, 'claim deliveries') }),
      startLoop({ run: async () => await this.#keepHouse(), pauseMs: HOUSEKEEPING_MS, onError: (error) => onError(error, 'release leases') })
    ]
  }

  /** There may be something due. */
  wake (): void {
    this.#loops[0]?.wake()
  }

  /** Claims nothing more, lets attempts under way finish and be recorded, and gives the worker's identity back. */
  async stop (): Promise<void> {
    await Promise.all(this.#loops.map(async (loop) => await loop.stop()))
    await Promise.all(this.#underWay)
    await this.#identity?.release()
  }

  get #id (): number {
    return this.#identity?.id ?? 0
  }

  async #claim (): Promise<boolean> {
    const limit = Math.min(CLAIM_BATCH, WINDOW - this.#underWay.size)
    if (limit <= 0) {
      await Promise.race(this.#underWay)
      return true
    }
    const { claimed, seen } = await claimDeliveries(this.#options.database.sql, this.#id, limit)
    for (const delivery of claimed) {
      const work = this.#deliver(delivery).finally(() => { this.#underWay.delete(work) })
      this.#underWay.add(work)
    }
    return seen === limit
  }

  async #deliver (delivery: ClaimedDelivery): Promise<void> {
    const startedAt = new Date()
    const result = await this.#attempt(delivery, startedAt)
    const decision = decide(result, delivery, this.#options.schedule, Date.now(), Math.random())
    await this.#recorder.record({
      deliveryId: delivery.id,
      organizationId: delivery.organizationId,
      webhookId: delivery.webhookId,
      number: delivery.attempts + 1,
      retryCount: delivery.retryCount,
      startedAt,
      result,
      decision
    })
  }

  async #attempt (delivery: ClaimedDelivery, startedAt: Date): Promise<AttemptResult> {
    const { sender, keyRing, onError } = this.#options
    let recipient: Recipient
    try {
      recipient = openRecipient(keyRing, delivery)
    } catch (error) {
      onError(error, 'decrypt the secret of a webhook')
      return { kind: 'failure', error: 'secret_unreadable', detail: 'The webhook\'s secret could not be decrypted', durationMs: 0 }
    }
    return await sender.send(composeRequest(delivery.event, delivery.id, recipient, Math.floor(startedAt.getTime() / 1000)))
  }

  async #keepHouse (): Promise<boolean> {
    const { sql } = this.#options.database
    await this.#identity?.keep()
    const released = await releaseDeadLeases(sql, this.#id)
    const unparked = await unparkDeliveries(sql)
    if (released + unparked > 0) this.wake()
    return unparked > 0
  }
}

/** Decrypts what a request to a webhook needs. @throws when it was sealed with a key that is not on the ring. */
export function openRecipient (keyRing: KeyRing, { url, secret, headers }: Recipient): Recipient {
  return {
    url,
    secret: keyRing.open(secret),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, keyRing.open(value)]))
  }
}
