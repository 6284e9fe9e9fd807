import { parseArgs } from 'node:util'
import { Scope } from '../../shared/scopes.js'
import { createApiKey, findOrganization } from '../auth/index.js'
import { openDatabase } from '../db/open.js'
import { readEnv } from '../env.js'

const USAGE = `Usage: npm run --silent key -- --org <slug> --scopes <all|scope,scope,…> [--name <name>]
Scopes: ${Scope.options.join(', ')}`

/** Reads `all` or a comma-separated list. @throws Error naming a scope that does not exist. */
function parseScopes (text: string): Scope[] {
  if (text === 'all') return [...Scope.options]
  return text.split(',').map((entry) => {
    const scope = Scope.safeParse(entry.trim())
    if (!scope.success) throw new Error(`There is no scope "${entry.trim()}".\n${USAGE}`)
    return scope.data
  })
}

/** Makes an API key and prints it, and nothing else, to stdout. Works beside a running server. */
async function main (): Promise<void> {
  const { values } = parseArgs({ options: { org: { type: 'string' }, scopes: { type: 'string' }, name: { type: 'string', default: 'Command line' } } })
  if (!values.org || !values.scopes) throw new Error(USAGE)
  const scopes = parseScopes(values.scopes)
  const env = readEnv()
  const { database, close } = await openDatabase({ databaseUrl: env.DATABASE_URL, dataDir: env.DATA_DIR })
  try {
    const organization = await findOrganization(database.sql, values.org)
    if (!organization) throw new Error(`There is no organization with the slug "${values.org}"`)
    const key = await createApiKey(database, organization.id, values.name.slice(0, 100), scopes)
    process.stdout.write(`${key}\n`)
  } finally {
    await close()
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 1
})
