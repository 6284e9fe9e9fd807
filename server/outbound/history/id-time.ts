/*
 * Events have UUIDv7 ids, which begin with the time in milliseconds (RFC 9562 §5.7), and the id of a delivery begins as
 * its event's does. So a span of time is a range of ids, which every index on ids can search.
 */

const MS_MAX = 2 ** 48 - 1

/** Below every id that we make. */
export const ID_MIN = '00000000-0000-0000-0000-000000000000'
/** Above every id that we make: the Max UUID (RFC 9562 §5.10). */
export const ID_MAX = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/** The lower bound of ids made at a time or later. @param time ISO 8601. */
export function firstIdAt (time: string): string {
  const hex = Math.min(Math.max(Date.parse(time), 0), MS_MAX).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`
}

/** The upper bound of ids that share with this one the half that a delivery has from its event. */
export function lastIdBeside (id: string): string {
  return id.slice(0, 19) + ID_MAX.slice(19)
}
