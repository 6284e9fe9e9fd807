import type { Database } from '../../db/client.js'
import { DELIVERIES_CHANNEL } from './record-events.js'
import { countWorkers, releaseDeadLeases, releaseLostLeases, takeIdentity, type WorkerIdentity } from './worker-identity.js'

/** Of the rounds of {@link Leases.keep}, each so many-th looks at all leases, whatever the clock says. */
const EVERYWHERE_EVERY = 120

/** How long statements that may lease are waited for, before lost leases are looked for another time. */
const QUIET_WITHIN_MS = 10_000

/** Keeps a worker's identity, and takes back leases that nobody works on: of workers that died, and of statements whose answer was lost. */
export class Leases {
  readonly #database: Database
  #identity: WorkerIdentity | undefined
  #granting = 0
  #hasLost = false
  #isReleasing = false
  #rounds = 0
  #onQuiet: (() => void) | undefined

  constructor (database: Database) {
    this.#database = database
  }

  /** The worker's id; 0 before it has one. */
  get workerId (): number {
    return this.#identity?.id ?? 0
  }

  /** Whether no statement is under way that may lease. */
  get isQuiet (): boolean {
    return this.#granting === 0
  }

  async start (): Promise<void> {
    this.#identity = await takeIdentity(this.#database)
    await this.#announce()
  }

  async stop (): Promise<void> {
    await this.#identity?.release()
    await this.#announce().catch(() => { /* The others find out within seconds. */ })
  }

  /**
   * A statement begins.
   * @returns whether it may lease, and must be followed by {@link end}: not while lost leases are looked for, from which its
   *   own could not be told.
   */
  begin (): boolean {
    if (this.#isReleasing) return false
    this.#granting++
    return true
  }

  end (): void {
    this.#granting--
    if (this.isQuiet) this.#onQuiet?.()
  }

  /** There may be leases that this worker does not know of. */
  lose (): void {
    this.#hasLost = true
  }

  /**
   * A round of upkeep. @param underWay Ids of the deliveries that this worker knows it has leased.
   * @returns how many workers live, and how many deliveries are due again.
   */
  async keep (underWay: () => string[]): Promise<{ workers: number, released: number }> {
    const { sql } = this.#database
    await this.#identity?.keep()
    const workers = await countWorkers(sql)
    const released = await releaseDeadLeases(sql, this.workerId, this.#rounds++ % EVERYWHERE_EVERY === 0)
    return { workers, released: released + await this.#releaseLost(underWay) }
  }

  async #releaseLost (underWay: () => string[]): Promise<number> {
    if (!this.#hasLost) return 0
    this.#isReleasing = true
    try {
      if (!await this.#quiet()) return 0
      this.#hasLost = false
      return await releaseLostLeases(this.#database.sql, this.workerId, underWay())
    } catch (error) {
      this.#hasLost = true
      throw error
    } finally {
      this.#isReleasing = false
    }
  }

  /** Waits until no statement is under way that may lease. @returns whether that came to be in time. */
  async #quiet (): Promise<boolean> {
    if (this.isQuiet) return true
    return await new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), QUIET_WITHIN_MS)
      this.#onQuiet = () => {
        clearTimeout(timer)
        resolve(true)
      }
    })
  }

  async #announce (): Promise<void> {
    await this.#database.sql`select pg_notify(${DELIVERIES_CHANNEL}, 'workers')`
  }
}
