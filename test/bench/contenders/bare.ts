import { Pool, type Dispatcher } from 'undici'
import type { OutgoingRequest } from '../../../server/outbound/sending/compose.js'
import { CONNECTIONS_PER_ORIGIN, requestsTo } from '../engine.js'
import type { ContenderOptions, Contender } from './contender.js'

/**
 * The yardstick: composes and signs with the product's code, and posts. Nothing is stored and nothing recorded. It is
 * undici at its fastest: a pool of the one origin, flat headers, and a handler that looks at nothing but the status.
 */
export async function startBare ({ targets, onSent }: ContenderOptions): Promise<Contender> {
  const [target] = targets
  if (target === undefined) throw new Error('The bare loop needs a target')
  const pool = new Pool(new URL(target.url).origin, { connections: CONNECTIONS_PER_ORIGIN, pipelining: 1 })
  const compose = requestsTo(target)
  let delivered = 0
  const onDone = (isDelivered: boolean) => {
    if (isDelivered) delivered += 1
    onSent()
  }
  return {
    accept: async (event) => { post(pool, compose(event, event.id), onDone) },
    pending: async () => 0,
    recorded: async () => delivered,
    stop: async () => await pool.destroy()
  }
}

function post (pool: Pool, { path, headers, body }: OutgoingRequest, onDone: (isDelivered: boolean) => void): void {
  let status = 0
  const handler: Dispatcher.DispatchHandler = {
    onConnect: () => {},
    onHeaders: (code: number) => {
      status = code
      return true
    },
    onData: () => true,
    onComplete: () => onDone(status === 204),
    onError: () => onDone(false)
  }
  pool.dispatch({ path, method: 'POST', headers, body }, handler)
}
