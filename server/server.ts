import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { SCOPES, type Scope } from '../shared/scopes.js'
import { buildApp } from './app.js'
import { checkKeyRing, createApiKey, findOrganization, loadKeyRing } from './auth/index.js'
import { CscxSchema } from './cscx/tables.js'
import { openDatabase, type OpenDatabase } from './db/open.js'
import type { Env } from './env.js'
import { addressPolicy, createSender } from './outbound/index.js'
import type { RouteContext } from './routes/context.js'
import { startWorkers } from './workers.js'

const CONNECTIONS_PER_ORIGIN = 64
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
  const opened = await openDatabase({ databaseUrl: env.DATABASE_URL, dataDir: env.DATA_DIR, onFailure })
  const { database, isEmbedded, isOwner } = opened
  if (isEmbedded && !isOwner) {
    await opened.close()
    throw new Error(`Another server runs on ${env.DATA_DIR}: stop it, or give this one a DATA_DIR or DATABASE_URL of its own.`)
  }
  const keyRing = loadKeyRing(env.ENCRYPTION_KEY, env.DATA_DIR)
  await checkKeyRing(database.sql, keyRing)
  const addresses = addressPolicy(env.ALLOWED_SUBNETS)
  const sender = createSender(addresses, CONNECTIONS_PER_ORIGIN)
  const schema = new CscxSchema(database.sql)
  await schema.refresh()
  let isReady = false
  const context: RouteContext = { database, keyRing, urlPolicy: { addresses, allowHttp: env.ALLOW_HTTP }, schema, sender, isReady: () => isReady }
  const app = await buildApp(context, env.ROLE, logger)
  const workers = env.ROLE === 'api' ? undefined : await startWorkers({ env, database, schema, sender, keyRing, logger })
  const url = await listen(app, env)
  isReady = true
  print(await banner(opened, env, url))
  return {
    url,
    stop: async () => {
      isReady = false
      await app.close()
      await workers?.stop()
      await sender.close()
      await opened.close()
    }
  }
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
