import { parseArgs } from 'node:util'
import { Scope } from '../../shared/scopes.js'
import { createApiKey, findOrganization } from '../auth/index.js'
import { runCommand } from './with-database.js'

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

/** Reads the arguments. @throws Error that says how to call it. */
function readArguments (): { org: string, scopes: Scope[], name: string } {
  const { values } = parseArgs({ options: { org: { type: 'string' }, scopes: { type: 'string' }, name: { type: 'string', default: 'Command line' } } })
  if (!values.org || !values.scopes) throw new Error(USAGE)
  return { org: values.org, scopes: parseScopes(values.scopes), name: values.name.slice(0, 100) }
}

/** Makes an API key and prints it, and nothing else, to stdout. */
runCommand(() => {
  const { org, scopes, name } = readArguments()
  return async (database) => {
    const organization = await findOrganization(database.sql, org)
    if (!organization) throw new Error(`There is no organization with the slug "${org}"`)
    process.stdout.write(`${await createApiKey(database, organization.id, name, scopes)}\n`)
  }
})
