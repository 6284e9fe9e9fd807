import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { SCOPES, type Scope } from '../shared/scopes.js'
import { buildApp } from './app.js'
import { checkKeyRing, createApiKey, findOrganization, loadKeyRing, noteCurrentKey } from './auth/index.js'
import { CscxSchema } from './cscx/tables.js'
import { databaseError } from './db/failures.js'
import { openDatabase, type OpenDatabase } from './db/open.js'
import type { Env } from './env.js'
import { startLoop } from './loop.js'
import { addressPolicy, createSender, Ingest, resealWebhooks } from './outbound/index.js'
import type { RouteContext } from './routes/context.js'
import { startWorkers, type Workers } from './workers.js'

const CONNECTIONS_PER_ORIGIN = 128
const SCHEMA_MS = 15_000
/** The embedded demo organization. */
const DEMO = 'demo'

export interface RunningServer {
  url: string
  /** Takes no more requests, lets what is under way finish, and closes the database. */
  stop: () => Promise<void>
}

/**
 * Starts the product: database, capture, delivery and HTTP, as the role says.
 * @param print Writes a line for people.
 * @param onFailure Called when the embedded database ends by itself; the process must then end too.
 */
export async function startServer (env: Env, logger: FastifyBaseLogger, print: (text: string) => void, onFailure: (error: Error) => void): Promise<RunningServer> {
  const opened = await openDatabase({ databaseUrl: env.DATABASE_URL, dataDir: env.DATA_DIR, mayJoin: false, onFailure })
  try {
    return await run(opened, env, logger, print)
  } catch (error) {
    await opened.close()
    throw error
  }
}

async function run (opened: OpenDatabase, env: Env, logger: FastifyBaseLogger, print: (text: string) => void): Promise<RunningServer> {
  const { database } = opened
  const keyRing = loadKeyRing(env.ENCRYPTION_KEY, env.DATA_DIR)
  await checkKeyRing(database.sql, keyRing)
  await resealWebhooks(database.sql, keyRing)
  await noteCurrentKey(database.sql, keyRing)
  const addresses = addressPolicy(env.ALLOWED_SUBNETS)
  const sender = createSender(addresses, CONNECTIONS_PER_ORIGIN)
  const ingest = new Ingest(database.sql)
  const schema = new CscxSchema(database.sql)
  await schema.refresh()
  let isReady = false
  const context: RouteContext = { database, keyRing, urlPolicy: { addresses, allowHttp: env.ALLOW_HTTP }, schema, sender, ingest, isReady: () => isReady }
  const app = await buildApp(context, env.ROLE, logger)
  // A port that is taken must end the start before anything is claimed.
  const url = await listen(app, env)
  const workers = env.ROLE === 'api' ? watchSchema(schema, logger) : await startWorkers({ env, database, schema, sender, ingest, keyRing, logger })
  print(await banner(opened, env, url))
  isReady = true
  return {
    url,
    stop: async () => {
      isReady = false
      // Side by side: while requests finish, nothing new is claimed.
      await Promise.all([app.close(), workers.stop()])
      await sender.close()
      await opened.close()
    }
  }
}

/** Where no capture worker does, notices tables and columns that CSCX adds or drops. */
function watchSchema (schema: CscxSchema, logger: FastifyBaseLogger): Workers {
  return startLoop({
    run: async () => {
      await schema.refresh()
      return false
    },
    pauseMs: SCHEMA_MS,
    onError: (error) => logger.error({ err: databaseError(error) }, 'could not read the schema; it will be tried again')
  })
}

async function listen (app: FastifyInstance, { HOST, PORT }: Env): Promise<string> {
  const address = await app.listen({ host: HOST, port: PORT })
  return address.replace(/\/\/(0\.0\.0\.0|\[::\])/, '//localhost')
}

/** What people read at the start: one piece, so that whoever waits for the address has the key too. */
async function banner ({ database, isFirstStart, isEmbedded }: OpenDatabase, env: Env, url: string): Promise<string> {
  const lines = [`CSCX.AI webhooks and Zapier: ${url}  (API description: ${url}/openapi.json)`]
  if (!isEmbedded) return lines.join('\n')
  lines.push(`Embedded database with demo data in ${env.DATA_DIR}`)
  const demo = isFirstStart ? await findOrganization(database.sql, DEMO) : undefined
  lines.push(demo
    ? `API key of ${demo.name}, shown this once: ${await createApiKey(database, demo.id, 'First start', Object.keys(SCOPES) as Scope[])}`
    : `For an API key: npm run --silent key -- --org ${DEMO} --scopes all`)
  if (env.ALLOWED_SUBNETS.length === 0) lines.push('To deliver to this machine while you try things: ALLOWED_SUBNETS=127.0.0.0/8 ALLOW_HTTP=true npm start')
  return lines.join('\n')
}
