import { readFileSync, writeFileSync } from 'node:fs'
import pino from 'pino'
import { actions, events } from '../../shared/catalogue/index.js'
import { buildApp } from '../app.js'
import { createKeyRing } from '../auth/index.js'
import { CscxSchema } from '../cscx/tables.js'
import { connect } from '../db/client.js'
import { describeVariables } from '../env.js'
import { addressPolicy, createSender, Ingest } from '../outbound/index.js'

/** The OpenAPI document of the application as it is built; nothing is connected to. */
async function openApiJson (): Promise<string> {
  const database = connect('postgres://nobody@127.0.0.1:1/none', 1)
  const addresses = addressPolicy([])
  const app = await buildApp({
    database,
    keyRing: createKeyRing(['a key for a document that holds no secrets']),
    urlPolicy: { addresses, allowHttp: false },
    schema: new CscxSchema(database.sql),
    sender: createSender(addresses, 1),
    ingest: new Ingest(database.sql),
    isReady: () => true
  }, 'all', pino({ level: 'silent' }))
  await app.ready()
  return `${JSON.stringify(app.swagger(), null, 2)}\n`
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

function table (head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

const code = (text: string) => text === '' ? '' : `\`${text}\``

/** Tables of the README, by the name in their markers. */
const TABLES: Readonly<Record<string, () => string>> = {
  configuration: () => table(['Variable', 'Default', 'Meaning'], describeVariables().map(({ name, fallback, description }) => [code(name), code(fallback), description])),
  events: () => table(['Event type', 'What it tells'], events.map(({ name, description }) => [code(name), description])),
  actions: () => table(['Action', 'Call', 'Scope'], actions.map(({ label, method, path, scope }) => [label, code(`${method} ${path}`), code(scope)]))
}

function withTables (text: string): string {
  return Object.entries(TABLES).reduce((result, [name, make]) =>
    result.replace(new RegExp(`(<!-- ${name} -->\n)[^]*?(\n<!-- /${name} -->)`), (_match, begin: string, end: string) => begin + make() + end), text)
}

/** Writes what is derived from code: openapi.json and the tables of the README. */
writeFileSync('openapi.json', await openApiJson())
writeFileSync('README.md', withTables(readFileSync('README.md', 'utf8')))
