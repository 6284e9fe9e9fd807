import type { Database } from '../../db/client.js'
import { startLoop, type Loop } from '../../loop.js'
import { nextStepInMs, stepRedelivery } from './redelivery-step.js'

/** How soon a redelivery is noticed that was started in another process, or while nothing was running. */
const POLL_MS = 1_000

export interface RedeliveryWorkerOptions {
  database: Database
  onError: (error: unknown, doing: string) => void
}

/** Carries on redeliveries, at their pace, until it is stopped. Any number of processes may run one. */
export class RedeliveryWorker {
  readonly #options: RedeliveryWorkerOptions
  #loop: Loop | undefined
  #timer: NodeJS.Timeout | undefined

  constructor (options: RedeliveryWorkerOptions) {
    this.#options = options
  }

  async start (): Promise<void> {
    this.#loop = startLoop({
      run: async () => await this.#step(),
      pauseMs: POLL_MS,
      onError: (error) => this.#options.onError(error, 'redeliver')
    })
  }

  /** Lets the current step finish, then ends. Redeliveries go on wherever another worker runs, or at the next start. */
  async stop (): Promise<void> {
    await this.#loop?.stop()
    clearTimeout(this.#timer)
  }

  async #step (): Promise<boolean> {
    const { database } = this.#options
    const waitMs = await nextStepInMs(database)
    if (waitMs === undefined) return false
    if (waitMs <= 0 && await stepRedelivery(database)) return true
    // One that is due and yet not found is in another process's hands.
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#loop?.wake(), Math.max(waitMs, POLL_MS / 10))
    return false
  }
}
