import type { ReceivedRequest } from './receiver.js'

const titleOf = ({ envelope }: ReceivedRequest) => String(envelope.data['title'])

/** Which of the events with these titles have not arrived. */
export function missing (titles: Iterable<string>, received: readonly ReceivedRequest[]): string[] {
  const arrived = new Set(received.map(titleOf))
  return [...titles].filter((title) => !arrived.has(title))
}

/** How many requests were not the first one of their event. */
export function repeats (received: readonly ReceivedRequest[]): number {
  return received.length - new Set(received.map(({ headers }) => headers['webhook-id'])).size
}

/** Titles that arrived under more than one id, or whose id in the body is not that of the headers: a receiver could not tell that they are the same event. */
export function unstableIds (received: readonly ReceivedRequest[]): string[] {
  const ids = new Map<string, Set<string>>()
  for (const request of received) {
    const known = ids.get(titleOf(request)) ?? new Set()
    ids.set(titleOf(request), known.add(request.envelope.id).add(String(request.headers['webhook-id'])))
  }
  return [...ids].filter(([, known]) => known.size > 1).map(([title]) => title)
}
