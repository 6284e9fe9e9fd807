import pino from 'pino'
import { readEnv } from './env.js'
import { startServer } from './server.js'

/** How long a drain may take before the process ends anyway: longer than an attempt, shorter than supervisors' patience. */
const DRAIN_MAX_MS = 25_000

try {
  const env = readEnv()
  const logger = pino({ level: env.LOG_LEVEL }, pino.destination({ dest: 2, sync: true }))
  const server = await startServer(env, logger, (text) => process.stdout.write(`${text}\n`), (error) => {
    logger.fatal({ err: error }, 'the database is gone')
    process.exit(1)
  })
  let isDraining = false
  // `on`, not `once`: npm and terminals send a signal twice, to the process and to its group, and a drain must outlive that.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, drain)

  function drain (signal: NodeJS.Signals): void {
    if (isDraining) return
    isDraining = true
    logger.info({ signal }, 'draining')
    setTimeout(() => {
      logger.error('the drain took too long')
      process.exit(1)
    }, DRAIN_MAX_MS).unref()
    server.stop().then(() => process.exit(0), (error: unknown) => {
      logger.error({ err: error }, 'the drain failed')
      process.exit(1)
    })
  }
} catch (error) {
  process.stderr.write(`Cannot start.\n${(error as Error).message}\n`)
  process.exit(1)
}
