import { Agent, type Dispatcher } from 'undici'
import { serve } from './child.js'
import { openLoop } from './load.js'
import { EVENT_TYPE, postedData } from './payload.js'

// A client that posts events over HTTP, as a producer does, in a process of its own.

const CONNECTIONS = 64
const agent = new Agent({ connections: CONNECTIONS, pipelining: 1 })

/** Resolves when the event is accepted. @throws when it is not. */
async function post (origin: string, key: string, number: number, dueMicros: number): Promise<void> {
  const body = JSON.stringify({ event: EVENT_TYPE, data: postedData(number, dueMicros) })
  const headers = ['content-type', 'application/json', 'authorization', `Bearer ${key}`]
  await new Promise<void>((resolve, reject) => {
    let status = 0
    const handler: Dispatcher.DispatchHandler = {
      onConnect: () => {},
      onHeaders: (code: number) => {
        status = code
        return true
      },
      onData: () => true,
      onComplete: () => status === 202 ? resolve() : reject(new Error(`POST /api/events was answered ${status}`)),
      onError: reject
    }
    agent.dispatch({ origin, path: '/api/events', method: 'POST', headers, body }, handler)
  })
}

const methods = {
  /** Open loop of so many events a second. @returns how many were accepted. */
  open: async (origin: string, key: string, perSecond: number, seconds: number): Promise<number> =>
    await openLoop(async (number, dueMicros) => await post(origin, key, number, dueMicros), perSecond, seconds)
}
export type PosterMethods = typeof methods

serve(methods, async () => await agent.close())
