import { pendingDeliveries, plainClient, recordedDeliveries, startEngine } from '../engine.js'
import type { Contender, ContenderOptions } from './contender.js'

/** The product's own engine. */
export async function startOurs ({ databaseUrl, onSent, onRoundTrip }: ContenderOptions): Promise<Contender> {
  const engine = await startEngine(databaseUrl, onSent, onRoundTrip)
  const sql = plainClient(databaseUrl, 1)
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
