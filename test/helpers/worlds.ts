import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { createDatabase } from './postgres.js'

/** A place for the product to run in: real Postgres, or nothing but a data directory. */
export interface World {
  /** What the server process is started with. */
  variables: Record<string, string>
  /** A plain SQL client that knows nothing of the product. */
  sql: () => postgres.Sql
  drop: () => Promise<void>
}

const dataDirectory = () => mkdtempSync(join(tmpdir(), 'cscx-data-'))

export async function postgresWorld (): Promise<World> {
  const database = await createDatabase()
  const dataDir = dataDirectory()
  return {
    variables: { DATABASE_URL: database.url, DATA_DIR: dataDir },
    sql: () => database.sql,
    drop: async () => {
      await database.drop()
      rmSync(dataDir, { recursive: true, force: true })
    }
  }
}

/** The embedded default. Its database runs inside the server, so the client must be asked for anew after each restart. */
export async function embeddedWorld (): Promise<World> {
  const dataDir = dataDirectory()
  const clients: postgres.Sql[] = []
  return {
    variables: { DATA_DIR: dataDir },
    sql: () => {
      const client = postgres({ host: dataDir, port: 5432, username: 'postgres', database: 'postgres', max: 2, onnotice: () => {} })
      clients.push(client)
      return client
    },
    drop: async () => {
      await Promise.all(clients.map(async (client) => await client.end({ timeout: 0 })))
      rmSync(dataDir, { recursive: true, force: true })
    }
  }
}

export const worlds: ReadonlyArray<[name: string, open: () => Promise<World>]> = [
  ['real Postgres', postgresWorld],
  ['the embedded default', embeddedWorld]
]
