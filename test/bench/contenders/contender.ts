import type { Target } from '../engine.js'
import type { BenchEvent } from '../payload.js'

/**
 * A way to do the job: take an event, keep it safe, send it signed, record the result, and have what a retry needs. Each
 * runs in one process, which takes the events too.
 */
export interface Contender {
  /** Resolves when the event is stored, so that no crash of this process could lose it. */
  accept: (event: BenchEvent) => Promise<void>
  /** How many accepted events are not recorded as done. */
  pending: () => Promise<number>
  /** How many are recorded as delivered. */
  recorded: () => Promise<number>
  stop: () => Promise<void>
}

export interface ContenderOptions {
  databaseUrl: string
  /** Port of a Redis on 127.0.0.1; of use to BullMQ only. */
  redisPort: number | undefined
  /** Where events go; those of an organization to its target. */
  targets: readonly Target[]
  /** To be called after each attempt. */
  onSent: () => void
  /** To be called for each statement sent to the database, where the contender can tell. */
  onRoundTrip?: () => void
}

export type StartContender = (options: ContenderOptions) => Promise<Contender>

/** A job as queues store it: all that a request needs. The webhook itself is looked up in memory, as the engine does. */
export interface Job {
  event: BenchEvent
}

/** What came of an attempt, as it is recorded. */
export interface Result {
  status: number
  durationMs: number
}
