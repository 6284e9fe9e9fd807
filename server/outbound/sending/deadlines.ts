import { Chain, type Linked } from './chain.js'

/** How often deadlines are looked at: one is noticed up to this much late, and never early. */
const CHECK_MS = 100

export interface Expiring<Item> extends Linked<Item> {
  /** When its deadline is, as `performance.now()` counts; set by {@link Deadlines}. */
  dueMs: number
}

/** Deadlines that all lie equally far ahead, on one coarse timer: a timer each would be made and thrown away with every request. */
export class Deadlines<Item extends Expiring<Item>> {
  readonly #afterMs: number
  readonly #onDue: (item: Item) => void
  /** In the order in which they are due. */
  readonly #running = new Chain<Item>()
  #timer: NodeJS.Timeout | undefined

  /** @param onDue Called once for an item that was not stopped in time. */
  constructor (afterMs: number, onDue: (item: Item) => void) {
    this.#afterMs = afterMs
    this.#onDue = onDue
  }

  /** @param nowMs `performance.now()`. */
  start (item: Item, nowMs: number): void {
    item.dueMs = nowMs + this.#afterMs
    this.#running.append(item)
    this.#arm()
  }

  stop (item: Item): void {
    this.#running.remove(item)
  }

  #arm (): void {
    // Sockets keep the process alive, not the clock. The check itself comes after what has arrived meanwhile was read:
    // an answer that waited for a busy process is not late.
    this.#timer ??= setTimeout(() => setImmediate(() => this.#check()), CHECK_MS).unref()
  }

  #check (): void {
    this.#timer = undefined
    const nowMs = performance.now()
    for (let item = this.#running.first; item && item.dueMs <= nowMs; item = this.#running.first) {
      this.#running.remove(item)
      this.#onDue(item)
    }
    if (this.#running.size > 0) this.#arm()
  }
}
