/** Deliveries that one process has under way at most, from lease to record: what may come twice when it is killed. */
export const WINDOW = 2_048
/** And their events' data: what bounds memory when events are large. Of each there are about three copies. */
export const WINDOW_BYTES = 16 * 1024 * 1024
/** A claim for a handful is not worth its round trip while others are under way. */
const WORTHWHILE = WINDOW / 16
/** As much room as the largest event needs, or nearly. */
const WORTHWHILE_BYTES = 1024 * 1024

/** Counts what is under way and what may still be taken. */
export class Window {
  readonly #sizes = new Map<string, number>()
  #taken = 0
  #reserved = 0
  #wasFull = false

  get isEmpty (): boolean {
    return this.#sizes.size === 0
  }

  /** How many deliveries may be taken now. */
  get room (): number {
    const room = WINDOW - this.#sizes.size - this.#reserved
    if (this.isEmpty && this.#reserved === 0) return room
    if (room >= WORTHWHILE && this.bytes >= WORTHWHILE_BYTES) return room
    this.#wasFull = true
    return 0
  }

  /** How large they may be together. */
  get bytes (): number {
    return WINDOW_BYTES - this.#taken
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

  /** @param size Of the event's data, in characters: nearly bytes. */
  add (id: string, size: number): void {
    this.#sizes.set(id, size)
    this.#taken += size
  }

  /** @returns whether there is room again after somebody asked in vain. */
  remove (id: string): boolean {
    this.#taken -= this.#sizes.get(id) ?? 0
    this.#sizes.delete(id)
    if (!this.#wasFull) return false
    this.#wasFull = false
    return this.room > 0
  }
}
