import { Lane, CAP_START } from './lane.js'
import { TokenBucket } from './token-bucket.js'

/** What a webhook's rate limits are made from. */
export interface LaneSettings {
  id: string
  organizationId: string
  userId: string | null
  kind: 'custom' | 'zapier'
  ordered: boolean
  ratePerSecond: number | null
  rateBurst: number | null
  version: number
}

/**
 * Zapier's limits (platform documentation, "Rate limits"): 30 a second for each hook, and 10,000 in five minutes for each
 * user. A bucket lets its capacity through on top of its rate, so that the two add up to the limit in any such period.
 */
export const ZAPIER_HOOK = { perSecond: 25, capacity: 5 } as const
export const ZAPIER_USER = { perSecond: 30, capacity: 1_000 } as const

interface Entry {
  lane: Lane
  version: number
  share: number
  /** Keys of the buckets that it draws from. */
  buckets: string[]
}

/** How many deliveries of which webhooks may be leased now. A webhook that is not named gets the default; one with rate limits, one. */
export interface Places {
  places: ReadonlyMap<string, number>
  default: number
}

/**
 * The lanes of this process. A rate limit is one for all processes: each takes its share, one of as many as there are
 * workers.
 */
export class Lanes {
  readonly #entries = new Map<string, Entry>()
  readonly #buckets = new Map<string, TokenBucket>()
  readonly #now: () => number
  #workers = 1

  /** @param now A clock that only goes forward, in milliseconds. */
  constructor (now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** @param workers How many processes deliver, this one included. */
  share (workers: number): void {
    this.#workers = Math.max(1, workers)
  }

  /** The lane of a webhook, made or brought up to date with its settings. */
  open (settings: LaneSettings): Lane {
    const found = this.#entries.get(settings.id)
    if (found && found.version === settings.version && found.share === this.#workers) return found.lane
    const now = this.#now()
    const lane = found?.lane ?? new Lane(now)
    const limits = limitsOf(settings)
    lane.configure(settings.ordered, limits.map((limit) => this.#bucket(limit, now)))
    // Its settings were changed, maybe by an owner who knows that the receiver is well again.
    if (found && found.version !== settings.version) lane.unblock()
    this.#entries.set(settings.id, { lane, version: settings.version, share: this.#workers, buckets: limits.map(({ key }) => key) })
    return lane
  }

  find (webhookId: string): Lane | undefined {
    return this.#entries.get(webhookId)?.lane
  }

  /** @param room How many deliveries the whole process may take. */
  places (room: number): Places {
    const now = this.#now()
    const unproven = Math.min(CAP_START, Math.ceil(room / 8))
    const places = new Map<string, number>()
    for (const [id, { lane }] of this.#entries) {
      const free = Math.min(lane.freshPlaces(now), lane.isProven(now) ? room : unproven)
      if (free === unproven && lane.isUnlimited) continue
      places.set(id, free)
    }
    return { places, default: unproven }
  }

  /**
   * Which webhooks' queues may be taken from now, in turn, and how much of each.
   * @param room How many deliveries in all.
   */
  wanted (room: number): Array<{ webhookId: string, count: number, ordered: boolean }> {
    const now = this.#now()
    const ready = [...this.#entries].filter(([, { lane }]) => lane.hasQueue && lane.places(now) > 0)
    const each = Math.max(1, Math.floor(room / Math.max(1, ready.length)))
    let left = room
    const wanted = []
    for (const [webhookId, { lane }] of ready) {
      const count = Math.min(left, each, lane.places(now))
      if (count <= 0) break
      left -= count
      wanted.push({ webhookId, count, ordered: lane.ordered })
      this.#moveLast(webhookId)
    }
    return wanted
  }

  /** How long until a queue may be taken from that may not now, in milliseconds; undefined when only an answer changes that. */
  nextChangeMs (): number | undefined {
    const now = this.#now()
    const times = [...this.#entries.values()].filter(({ lane }) => lane.hasQueue).flatMap(({ lane }) => lane.nextChangeAt(now) ?? [])
    return times.length === 0 ? undefined : Math.max(1, Math.min(...times) - now)
  }

  /** Forgets lanes that a new one would be like. */
  tidy (): void {
    const now = this.#now()
    for (const [id, { lane }] of this.#entries) {
      lane.rest()
      if (lane.isIdle(now)) this.#entries.delete(id)
    }
    const held = new Set([...this.#entries.values()].flatMap(({ buckets }) => buckets))
    for (const [key, bucket] of this.#buckets) if (!held.has(key) && bucket.isFull(now)) this.#buckets.delete(key)
  }

  /** So that the next time others come first. */
  #moveLast (webhookId: string): void {
    const entry = this.#entries.get(webhookId)
    if (!entry) return
    this.#entries.delete(webhookId)
    this.#entries.set(webhookId, entry)
  }

  /** The one bucket of that key: a user's is shared by all of the user's hooks, and a change of settings fills none anew. */
  #bucket (limit: Limit, now: number): TokenBucket {
    const perSecond = limit.perSecond / this.#workers
    const capacity = limit.capacity / this.#workers
    const found = this.#buckets.get(limit.key)
    found?.limit(perSecond, capacity, now)
    const bucket = found ?? new TokenBucket(perSecond, capacity, now)
    this.#buckets.set(limit.key, bucket)
    return bucket
  }
}

interface Limit {
  key: string
  perSecond: number
  capacity: number
}

function limitsOf ({ id, organizationId, userId, kind, ratePerSecond, rateBurst }: LaneSettings): Limit[] {
  const own = ratePerSecond === null ? [] : [{ key: `own ${id}`, perSecond: ratePerSecond, capacity: rateBurst ?? ratePerSecond }]
  const zapier = kind === 'zapier' ? [{ key: `hook ${id}`, ...ZAPIER_HOOK }, { key: `user ${organizationId} ${userId ?? id}`, ...ZAPIER_USER }] : []
  return [...own, ...zapier]
}
