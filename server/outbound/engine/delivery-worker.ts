import type { KeyRing } from '../../auth/index.js'
import type { Database } from '../../db/client.js'
import { startLoop, type Loop } from '../../loop.js'
import type { Sender } from '../sending/sender.js'
import { attemptDelivery, tellLane } from './attempts.js'
import { claimDue, claimOrdered, claimQueued, NOTHING_CLAIMED, type Claimed, type Wanted } from './claim.js'
import { Lanes } from './lanes.js'
import { Leases } from './leases.js'
import { findQueues, settleQueues } from './queues.js'
import { recordAttempts } from './record-attempts.js'
import { Recorder } from './recorder.js'
import { Registry, type OpenWebhook } from './registry.js'
import type { Offer, QueuedWebhook, TakenDelivery, Taker } from './taken.js'
import { Window } from './window.js'

/** Deliveries that one claim looks at. */
const CLAIM_BATCH = 500
/** How soon a retry that falls due is noticed; new deliveries announce themselves. */
const POLL_MS = 250
/** How soon a queue is noticed that another process left. */
const DISCOVER_MS = 1_000
const HOUSEKEEPING_MS = 5_000

export interface DeliveryWorkerOptions {
  database: Database
  sender: Sender
  keyRing: KeyRing
  /** Waits between attempts, in milliseconds. */
  schedule: readonly number[]
  onError: (error: unknown, doing: string) => void
}

/**
 * Takes, sends and records deliveries until it is stopped. Any number of processes may run one. What it takes comes from
 * fan-outs in this process, from claims of what is due, and from the queues behind webhooks; how much, say the window and
 * the lanes.
 */
export class DeliveryWorker implements Taker {
  readonly #options: DeliveryWorkerOptions
  readonly #recorder: Recorder
  readonly #registry: Registry
  readonly #leases: Leases
  readonly #lanes = new Lanes()
  readonly #window = new Window()
  readonly #claiming: Loop
  readonly #pulling: Loop
  readonly #discovering: Loop
  readonly #upkeep: Loop
  #pullTimer: NodeJS.Timeout | undefined
  #isStopping = false
  /** Whether the last claim may have left something, for want of room. */
  #isClaimCut = false
  #discovered: string | undefined
  #onIdle: (() => void) | undefined

  private constructor (options: DeliveryWorkerOptions, leases: Leases) {
    const { database, keyRing, onError } = options
    this.#options = options
    this.#leases = leases
    this.#registry = new Registry(database.sql, keyRing, onError)
    this.#recorder = new Recorder(
      async (attempts) => await recordAttempts(database, leases.workerId, attempts),
      (error) => onError(error, 'record attempts'))
    const loop = (run: () => Promise<boolean>, pauseMs: number, doing: string) => startLoop({ run, pauseMs, onError: (error) => onError(error, doing) })
    this.#upkeep = loop(async () => await this.#keepHouse(), HOUSEKEEPING_MS, 'keep house')
    this.#claiming = loop(async () => await this.#claim(), POLL_MS, 'claim deliveries')
    this.#pulling = loop(async () => await this.#pull(), DISCOVER_MS, 'take from queues')
    this.#discovering = loop(async () => await this.#discover(), DISCOVER_MS, 'find queues')
  }

  static async start (options: DeliveryWorkerOptions): Promise<DeliveryWorker> {
    const leases = new Leases(options.database)
    await leases.start()
    return new DeliveryWorker(options, leases)
  }

  /** There may be work. @param about What was announced on the deliveries' channel. */
  wake (about: string): void {
    if (about === 'workers') this.#upkeep.wake()
    else if (about === 'queued') this.#discovering.wake()
    else this.#claiming.wake()
  }

  /** Takes nothing more, lets attempts under way finish and be recorded, and gives the worker's identity back. */
  async stop (): Promise<void> {
    this.#isStopping = true
    clearTimeout(this.#pullTimer)
    await Promise.all([this.#claiming, this.#pulling, this.#discovering, this.#upkeep].map(async (loop) => await loop.stop()))
    while (!this.#isIdle) await new Promise<void>((resolve) => { this.#onIdle = resolve })
    await this.#leases.stop()
  }

  offer (wanted: number): Offer {
    const isGranting = !this.#isStopping && this.#leases.begin()
    const room = isGranting ? this.#window.reserve(wanted) : 0
    return { workerId: this.#isStopping ? 0 : this.#leases.workerId, isGranting, room, bytes: this.#window.bytes, ...this.#lanes.places(room) }
  }

  accept (offer: Offer, leased: readonly TakenDelivery[], queued: readonly QueuedWebhook[]): void {
    // While the database was away, leases may have run out whose attempts are still to be recorded: they are not made twice,
    // and what was recorded meanwhile gets its lease taken back.
    const taken = leased.filter(({ id }) => !this.#window.has(id))
    if (taken.length < leased.length) this.#leases.lose()
    for (const { id, event } of taken) this.#window.add(id, event.dataJson.length)
    this.#settle(offer)
    const unknown = this.#registry.missing([...queued, ...taken.map(({ webhookId: id, version }) => ({ id, version }))])
    if (unknown.length === 0) this.#begin(taken, queued)
    else void this.#openAndBegin(unknown, taken, queued)
  }

  giveUp (offer: Offer): void {
    this.#leases.lose()
    this.#settle(offer)
  }

  get #isIdle (): boolean {
    return this.#window.isEmpty && this.#leases.isQuiet
  }

  #settle (offer: Offer): void {
    if (offer.isGranting) this.#leases.end()
    this.#window.settle(offer.room)
    if (this.#isIdle) this.#onIdle?.()
  }

  async #openAndBegin (webhookIds: string[], taken: readonly TakenDelivery[], queued: readonly QueuedWebhook[]): Promise<void> {
    try {
      await this.#registry.load(webhookIds)
      this.#begin(taken, queued)
    } catch (error) {
      this.#options.onError(error, 'read webhooks')
      for (const delivery of taken) this.#abandon(delivery)
    }
  }

  #begin (taken: readonly TakenDelivery[], queued: readonly QueuedWebhook[]): void {
    for (const delivery of taken) {
      const webhook = this.#registry.find(delivery.webhookId, delivery.version)
      if (webhook) void this.#deliver(delivery, webhook)
      // It has ended since. So will the next claim find, and cancel the delivery.
      else this.#abandon(delivery)
    }
    for (const { id } of queued) this.#noteQueue(id)
  }

  /** Deliveries queue behind a webhook. */
  #noteQueue (webhookId: string): void {
    const webhook = this.#registry.find(webhookId, 0)
    if (!webhook) return
    this.#lanes.open(webhook).hasQueue = true
    this.#pulling.wake()
  }

  async #deliver (delivery: TakenDelivery, webhook: OpenWebhook): Promise<void> {
    const lane = this.#lanes.open(webhook)
    lane.begin(1, performance.now())
    const attempt = await attemptDelivery(this.#options.sender, webhook, delivery, this.#options.schedule)
    tellLane(lane, attempt, performance.now())
    if (lane.hasQueue && !lane.ordered) this.#pulling.wake()
    this.#recorder.record(attempt, () => {
      this.#forget(delivery)
      // Only now that this one is recorded may the next one of an ordered webhook go.
      if (lane.ordered) this.#noteQueue(webhook.id)
    })
  }

  #forget ({ id }: TakenDelivery): void {
    if (this.#window.remove(id)) {
      if (this.#isClaimCut) this.#claiming.wake()
      this.#pulling.wake()
    }
    if (this.#isIdle) this.#onIdle?.()
  }

  /** Gives a lease back without an attempt. */
  #abandon (delivery: TakenDelivery): void {
    this.#leases.lose()
    this.#forget(delivery)
  }

  async #lease (wanted: number, run: (offer: Offer) => Promise<Claimed>): Promise<Claimed> {
    const offer = this.offer(wanted)
    let claimed: Claimed
    try {
      claimed = offer.room === 0 ? NOTHING_CLAIMED : await run(offer)
    } catch (error) {
      this.giveUp(offer)
      throw error
    }
    this.accept(offer, claimed.taken, claimed.queued)
    return claimed
  }

  async #claim (): Promise<boolean> {
    let limit = 0
    const { seen, isCut } = await this.#lease(CLAIM_BATCH, async (offer) => {
      limit = offer.room
      return await claimDue(this.#options.database.sql, offer, limit)
    })
    this.#isClaimCut = seen === limit || isCut
    return limit > 0 && this.#isClaimCut
  }

  /** Takes from the queues behind webhooks that have places. */
  async #pull (): Promise<boolean> {
    const { sql } = this.#options.database
    const wanted = this.#lanes.wanted(Math.min(CLAIM_BATCH, this.#window.room))
    for (const { webhookId } of wanted) this.#expectNoQueue(webhookId)
    await this.#pullFree(wanted.filter(({ ordered }) => !ordered))
    for (const { webhookId } of wanted.filter(({ ordered }) => ordered)) {
      await this.#lease(1, async (offer) => await claimOrdered(sql, only(offer, [{ webhookId, count: 1 }]), webhookId))
    }
    this.#pullWhenAllowed()
    return wanted.length > 0
  }

  async #pullFree (wanted: readonly Wanted[]): Promise<void> {
    if (wanted.length === 0) return
    const total = wanted.reduce((sum, { count }) => sum + count, 0)
    const { taken, isCut } = await this.#lease(total, async (offer) => await claimQueued(this.#options.database.sql, only(offer, wanted), wanted))
    const counts = new Map<string, number>()
    for (const { webhookId } of taken) counts.set(webhookId, (counts.get(webhookId) ?? 0) + 1)
    // Where there was as much as asked for, there may be more.
    for (const { webhookId, count } of wanted) if (isCut || counts.get(webhookId) === count) this.#noteQueue(webhookId)
  }

  #expectNoQueue (webhookId: string): void {
    const lane = this.#lanes.find(webhookId)
    if (lane) lane.hasQueue = false
  }

  /** A rate limit or a Retry-After lets go at a known time. */
  #pullWhenAllowed (): void {
    clearTimeout(this.#pullTimer)
    const waitMs = this.#lanes.nextChangeMs()
    if (waitMs !== undefined && !this.#isStopping) this.#pullTimer = setTimeout(() => this.#pulling.wake(), Math.min(waitMs, DISCOVER_MS))
  }

  async #discover (): Promise<boolean> {
    const { sql } = this.#options.database
    const { queued, off, last } = await findQueues(sql, this.#discovered)
    this.#discovered = last
    const settled = await settleQueues(sql, off)
    const unknown = this.#registry.missing(queued)
    if (unknown.length > 0) await this.#registry.load(unknown)
    for (const { id } of queued) this.#noteQueue(id)
    return settled > 0
  }

  async #keepHouse (): Promise<boolean> {
    const { workers, released } = await this.#leases.keep(() => this.#window.ids())
    this.#lanes.share(workers)
    this.#lanes.tidy()
    if (released > 0) this.#claiming.wake()
    return false
  }
}

/** The offer, confined to these webhooks. */
function only (offer: Offer, wanted: readonly Wanted[]): Offer {
  return { ...offer, default: 0, places: new Map(wanted.map(({ webhookId, count }) => [webhookId, count])) }
}
