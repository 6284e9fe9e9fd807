import pino, { type Logger } from 'pino'
import { readEnv } from './env.js'
import { startServer, type RunningServer } from './server.js'

/** How long a drain may take before the process ends anyway: longer than an attempt, shorter than supervisors' patience. */
const DRAIN_MAX_MS = 25_000

let server: RunningServer | undefined
let logger: Logger | undefined
let isDraining = false

/** Lets what is under way finish, then ends the process. Before the server has started there is nothing to finish. */
function drain (signal: NodeJS.Signals): void {
  if (isDraining) return
  isDraining = true
  if (server === undefined) process.exit(0)
  logger?.info({ signal }, 'draining')
  setTimeout(() => {
    logger?.error('the drain took too long')
    process.exit(1)
  }, DRAIN_MAX_MS).unref()
  server.stop().then(() => process.exit(0), (error: unknown) => {
    logger?.error({ err: error }, 'the drain failed')
    process.exit(1)
  })
}

// `on`, not `once`: npm and terminals send a signal twice, to the process and to its group, and a drain must outlive that.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, drain)

try {
  const env = readEnv()
  const log = logger = pino({ level: env.LOG_LEVEL }, pino.destination({ dest: 2, sync: true }))
  server = await startServer(env, log, (text) => process.stdout.write(`${text}\n`), (error) => {
    log.fatal({ err: error }, 'the database is gone')
    process.exit(1)
  })
} catch (error) {
  process.stderr.write(`Cannot start.\n${(error as Error).message}\n`)
  process.exit(1)
}
