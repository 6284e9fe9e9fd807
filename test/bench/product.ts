import pino from 'pino'
import { readEnv } from '../../server/env.js'
import { startServer, type RunningServer } from '../../server/server.js'
import { serve } from './child.js'
import { ENCRYPTION_KEY } from './engine.js'

// The product as a process of its own: what `npm start` runs, but that it can be asked for its memory.

let server: RunningServer | undefined

const methods = {
  /** @returns its URL. */
  start: async (databaseUrl: string, role: 'all' | 'api' | 'worker'): Promise<string> => {
    const env = readEnv({
      DATABASE_URL: databaseUrl,
      ENCRYPTION_KEY,
      ROLE: role,
      PORT: '0',
      ALLOWED_SUBNETS: '127.0.0.0/8',
      ALLOW_HTTP: 'true',
      LOG_LEVEL: 'warn'
    })
    server = await startServer(env, pino({ level: env.LOG_LEVEL }, pino.destination(2)), () => {}, (error) => { throw error })
    return server.url
  },
  memory: (): NodeJS.MemoryUsage => process.memoryUsage()
}
export type ProductMethods = typeof methods

serve(methods, async () => await server?.stop())
