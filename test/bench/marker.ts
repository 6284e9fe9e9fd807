/**
 * A mark inside of a payload, by which the receiver tells which event came and when it was due, without parsing JSON and
 * without asking anybody: `~<number, 9 digits>:<due time, 16 digits>~`.
 */
export const MARKER_LENGTH = 28
/** `~`, which occurs nowhere else in what is sent. */
export const MARKER_BYTE = 0x7e

/** Microseconds of the system's monotonic clock, which all processes of a machine share. */
export function nowMicros (): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1e6 + nanoseconds / 1e3
}

/** @param dueMicros When the event was due by the schedule, which is not always when it was made. */
export function marker (number: number, dueMicros: number): string {
  return `~${String(number).padStart(9, '0')}:${String(Math.floor(dueMicros)).padStart(16, '0')}~`
}

export interface Mark {
  number: number
  dueMicros: number
}

/** Finds the mark in a request; undefined when there is none. */
export function readMarker (request: Buffer): Mark | undefined {
  const at = request.indexOf(MARKER_BYTE)
  if (at === -1) return undefined
  const text = request.toString('latin1', at + 1, at + MARKER_LENGTH - 1)
  return { number: Number(text.slice(0, 9)), dueMicros: Number(text.slice(10)) }
}
