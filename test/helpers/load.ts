import { setTimeout as pause } from 'node:timers/promises'

/** What a producer waits after anything but an acceptance, as well-behaved clients do. */
const PAUSE_MS = 20

interface Answer {
  status: number
  body: { id?: unknown } | null
}

/** Producers that post one event after the other, each with a title of its own, until they are stopped. */
export class Load {
  /** Titles of the events that were accepted, with the ids that they were given. */
  readonly accepted = new Map<string, string>()
  /** All answers' statuses. */
  readonly statuses = new Set<number>()
  /** Requests that got no answer: the process was gone. */
  unanswered = 0
  readonly #post: (title: string) => Promise<Answer>
  readonly #producers: Promise<unknown>
  #count = 0
  #isOver = false

  /** @param post Posts an event with that title; rejects when there is no answer. */
  constructor (post: (title: string) => Promise<Answer>, producers: number) {
    this.#post = post
    this.#producers = Promise.all(Array.from({ length: producers }, async () => await this.#produce()))
  }

  async stop (): Promise<void> {
    this.#isOver = true
    await this.#producers
  }

  async #produce (): Promise<void> {
    while (!this.#isOver) {
      const title = `Posted ${++this.#count}`
      const answer = await this.#post(title).catch(() => undefined)
      if (answer === undefined) this.unanswered++
      else this.statuses.add(answer.status)
      if (answer?.status === 202) this.accepted.set(title, String(answer.body?.id))
      else await pause(PAUSE_MS)
    }
  }
}
