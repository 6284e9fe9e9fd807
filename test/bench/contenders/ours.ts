import postgres from 'postgres'
import { pendingDeliveries, recordedDeliveries, startEngine } from '../engine.js'
import type { Contender, ContenderOptions } from './contender.js'

/** The product's own engine. */
export async function startOurs ({ databaseUrl, onSent, onRoundTrip }: ContenderOptions): Promise<Contender> {
  const engine = await startEngine(databaseUrl, onSent, onRoundTrip)
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} })
  return {
    accept: engine.post,
    pending: async () => await pendingDeliveries(sql),
    recorded: async () => await recordedDeliveries(sql),
    stop: async () => {
      await engine.stop()
      await sql.end({ timeout: 5 })
    }
  }
}
