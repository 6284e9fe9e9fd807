/** Deliveries that one process has under way at most, from lease to record: what may come twice when it is killed. */
export const WINDOW = 2_048
/** And their events' data, in characters: what bounds memory when events are large. */
const WINDOW_CHARACTERS = 64 * 1024 * 1024
const SIZE_START = 2_048

/** Counts what is under way and what may still be taken. */
export class Window {
  readonly #sizes = new Map<string, number>()
  #characters = 0
  #reserved = 0
  /** Of late, how large events are. */
  #usualSize = SIZE_START
  #wasFull = false

  get isEmpty (): boolean {
    return this.#sizes.size === 0
  }

  /** How many deliveries may be taken now. */
  get room (): number {
    const bySize = Math.floor((WINDOW_CHARACTERS - this.#characters) / this.#usualSize)
    const room = Math.max(0, Math.min(WINDOW - this.#sizes.size, bySize) - this.#reserved)
    // A claim for a handful is not worth its round trip while others are under way.
    const worthwhile = Math.min(WINDOW, WINDOW_CHARACTERS / this.#usualSize) / 16
    if (room >= worthwhile || (this.isEmpty && this.#reserved === 0)) return Math.max(1, room)
    this.#wasFull = true
    return 0
  }

  has (id: string): boolean {
    return this.#sizes.has(id)
  }

  /** Ids of the deliveries under way. */
  ids (): string[] {
    return [...this.#sizes.keys()]
  }

  /** Keeps room for a statement that may lease so many. @returns how many it may. */
  reserve (wanted: number): number {
    const granted = Math.min(wanted, this.room)
    this.#reserved += granted
    return granted
  }

  /** The statement is over. */
  settle (granted: number): void {
    this.#reserved -= granted
  }

  add (id: string, size: number): void {
    this.#sizes.set(id, size)
    this.#characters += size
    // Quick to believe in large events, slow to believe in small ones.
    this.#usualSize = Math.max(1_024, size > this.#usualSize ? size : this.#usualSize * 0.995 + size * 0.005)
  }

  /** @returns whether there is room again after there was none. */
  remove (id: string): boolean {
    this.#characters -= this.#sizes.get(id) ?? 0
    this.#sizes.delete(id)
    if (!this.#wasFull) return false
    this.#wasFull = false
    return this.room > 0
  }
}
