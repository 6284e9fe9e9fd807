import { nowMicros } from './marker.js'

/** How long what was accepted may take to be delivered and recorded, before a run counts as failed. */
const DRAIN_TIMEOUT_MS = 30_000
const LOOK_MS = 5

export interface ClosedRun {
  accepted: number
  /** From the first event accepted to the last one recorded. */
  seconds: number
  perSecond: number
}

/** What a load is put on. */
export interface Subject {
  /** Hands over the event of a number, due at a time. Resolves when it is stored. */
  accept: (number: number, dueMicros: number) => Promise<void>
  /** How many are not recorded as done. */
  pending: () => Promise<number>
}

/**
 * Closed loop: keeps so many events under way, from being handed over to being sent, for so long; then waits until all are
 * recorded. The rate counts all of that, so that nothing is gained by recording late.
 */
export class ClosedLoop {
  readonly #subject: Subject
  #accepted = 0
  #sent = 0
  #isScheduled = false
  #limit = 0
  #deadline = 0
  #failure: unknown

  constructor (subject: Subject) {
    this.#subject = subject
  }

  /** To be called for each event sent. */
  sent (): void {
    this.#sent += 1
    if (this.#isScheduled || this.#deadline === 0) return
    this.#isScheduled = true
    // Once a turn of the event loop: a batch of answers makes room for a batch of events.
    setImmediate(() => {
      this.#isScheduled = false
      this.#fill()
    })
  }

  async run (seconds: number, underWay: number): Promise<ClosedRun> {
    this.#accepted = this.#sent = 0
    this.#limit = underWay
    const startedAt = nowMicros()
    this.#deadline = startedAt + seconds * 1e6
    this.#fill()
    await new Promise((resolve) => setTimeout(resolve, seconds * 1e3))
    await until(async () => this.#sent >= this.#accepted && await this.#subject.pending() === 0, () => this.#failure)
    this.#deadline = 0
    const elapsed = (nowMicros() - startedAt) / 1e6
    return { accepted: this.#accepted, seconds: elapsed, perSecond: this.#accepted / elapsed }
  }

  #fill (): void {
    const now = nowMicros()
    if (now >= this.#deadline) return
    while (this.#accepted - this.#sent < this.#limit) {
      this.#subject.accept(this.#accepted++, now).catch((error: unknown) => { this.#failure ??= error })
    }
  }
}

/**
 * Open loop: events are due at fixed times, whatever became of those before; one that is handed over late, since this
 * process was busy, still counts from when it was due.
 * @returns how many, once they all are stored.
 */
export async function openLoop (accept: Subject['accept'], perSecond: number, seconds: number): Promise<number> {
  const total = Math.round(perSecond * seconds)
  const intervalMicros = 1e6 / perSecond
  const startedAt = nowMicros() + 1e3
  let stored = 0
  let number = 0
  await new Promise<void>((resolve, reject) => {
    const onStored = () => {
      stored += 1
      if (stored === total) resolve()
    }
    const tick = () => {
      for (const now = nowMicros(); number < total && startedAt + number * intervalMicros <= now; number++) {
        accept(number, startedAt + number * intervalMicros).then(onStored, reject)
      }
      if (number < total) setTimeout(tick, Math.max(0, (startedAt + number * intervalMicros - nowMicros()) / 1e3))
    }
    tick()
  })
  return total
}

/** Waits until a condition holds. @throws what `failure` returns, or when it takes too long. */
export async function until (condition: () => Promise<boolean>, failure: () => unknown = () => undefined): Promise<void> {
  const deadline = Date.now() + DRAIN_TIMEOUT_MS
  while (!await condition()) {
    if (failure() !== undefined) throw failure()
    if (Date.now() > deadline) throw new Error('What was accepted is not done half a minute later')
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}
