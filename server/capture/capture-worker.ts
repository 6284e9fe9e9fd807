import type { CscxSchema } from '../cscx/tables.js'
import type { Database } from '../db/client.js'
import { startLoop, type Loop } from '../loop.js'
import type { Taker } from '../outbound/index.js'
import { attachCapture } from './attach.js'
import { projectChanges } from './project.js'
import { sweepRenewals } from './renewals.js'

/** The channel on which the capture trigger says that changes wait. */
export const CHANGES_CHANNEL = 'cscx_zapier_changes'

/** How soon a change is noticed when the announcement was missed. */
const POLL_MS = 250
/** How soon a table or column that CSCX adds or drops is noticed. A round takes a few milliseconds. */
const ATTACH_MS = 5_000
/** The sweep works with days; hourly, it also runs soon after midnight and after any downtime. */
const SWEEP_MS = 3_600_000

export interface CaptureWorkerOptions {
  database: Database
  schema: CscxSchema
  /** Whoever delivers in this process; undefined: deliveries are left to other processes. */
  taker?: Taker | undefined
  /** Days before a renewal at which `renewal.approaching` is raised. */
  renewalThresholds: readonly number[]
  onError: (error: unknown, doing: string) => void
  onNotice: (message: string) => void
}

/** Turns changes into events, keeps the triggers attached, and runs the renewal sweep, until it is stopped. */
export class CaptureWorker {
  readonly #options: CaptureWorkerOptions
  #loops: Loop[] = []
  #notices = new Set<string>()

  constructor (options: CaptureWorkerOptions) {
    this.#options = options
  }

  async start (): Promise<void> {
    await this.#attach()
    const loop = (run: () => Promise<boolean>, pauseMs: number, doing: string) =>
      startLoop({ run, pauseMs, onError: (error) => this.#options.onError(error, doing) })
    this.#loops = [
      loop(async () => await this.#project(), POLL_MS, 'project changes'),
      loop(async () => await this.#attach(), ATTACH_MS, 'attach the capture triggers'),
      loop(async () => await this.#sweep(), SWEEP_MS, 'sweep renewals')
    ]
  }

  /** There may be changes. */
  wake (): void {
    this.#loops[0]?.wake()
  }

  async stop (): Promise<void> {
    await Promise.all(this.#loops.map(async (loop) => await loop.stop()))
  }

  async #project (): Promise<boolean> {
    const { database, schema, taker } = this.#options
    const { taken, drained, failed } = await projectChanges(database, schema, taker)
    for (const { id, reason } of failed) this.#options.onError(new Error(reason), `project change ${id}`)
    return taken > 0 && !drained
  }

  async #attach (): Promise<boolean> {
    const { database, schema, onNotice } = this.#options
    const { attached, busy, failed } = await attachCapture(database.sql, await schema.refresh())
    for (const name of attached) onNotice(`Capturing ${name}`)
    for (const table of busy) this.#noticeOnce(`No events from ${table} yet: it is in use, its trigger is tried again in a while`)
    for (const { table, reason } of failed) this.#noticeOnce(`No events from ${table}: its trigger could not be made (${reason})`)
    return false
  }

  #noticeOnce (message: string): void {
    if (this.#notices.has(message)) return
    this.#notices.add(message)
    this.#options.onNotice(message)
  }

  async #sweep (): Promise<boolean> {
    const { database, schema, taker, renewalThresholds, onError } = this.#options
    const { failed } = await sweepRenewals(database, schema, renewalThresholds, new Date().toISOString().slice(0, 10), taker)
    for (const { id, reason } of failed) onError(new Error(reason), `raise renewal.approaching for customer ${id}`)
    return false
  }
}
