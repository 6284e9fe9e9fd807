import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect, type Database, type Sql } from './client.js'
import { openEmbedded } from './embedded/index.js'
import { migrate } from './migrate.js'

/** Connections of a server's pool. The smallest managed databases allow a few dozen in all. */
const POOL_SIZE = 10
/** The embedded database serves one statement at a time: more connections only make it switch. */
const EMBEDDED_POOL_SIZE = 4

interface OpenOptions {
  /** Real Postgres; the embedded default when undefined. */
  databaseUrl: string | undefined
  dataDir: string
  /** Whether an embedded database that another process runs will do (as a rule): for commands, not for servers. */
  mayJoin?: boolean
  /** Called when the embedded database ends by itself; the process ends with an error unless given. Real Postgres is waited for instead. */
  onFailure?: (error: Error) => void
}

export interface OpenDatabase {
  database: Database
  isEmbedded: boolean
  /** Whether this process runs the embedded database, rather than having found it running. */
  isOwner: boolean
  /** Whether the embedded database got its demo data just now. */
  isFirstStart: boolean
  close: () => Promise<void>
}

/**
 * Opens the configured database and brings the adapter's schema up to date.
 * @throws when the database cannot be opened or migrated; nothing is left open then.
 */
export async function openDatabase ({ databaseUrl, dataDir, mayJoin = true, onFailure = fail }: OpenOptions): Promise<OpenDatabase> {
  const opened = databaseUrl === undefined ? await openDefault(dataDir, mayJoin, onFailure) : openReal(databaseUrl)
  try {
    const isFirstStart = opened.isEmbedded && await seedBaseline(opened.database.sql)
    await migrate(opened.database)
    return { ...opened, isFirstStart }
  } catch (error) {
    await opened.close()
    throw error
  }
}

/** Without the database there is nothing to go on with. */
function fail (error: Error): never {
  throw error
}

type Opened = Omit<OpenDatabase, 'isFirstStart'>

function openReal (databaseUrl: string): Opened {
  const database = connect(databaseUrl, POOL_SIZE)
  return { database, isEmbedded: false, isOwner: false, close: database.close }
}

async function openDefault (dataDir: string, mayJoin: boolean, onFailure: (error: Error) => void): Promise<Opened> {
  const { host, port, isOwner, close } = await openEmbedded(dataDir, mayJoin, onFailure)
  const database = connect({ host, port, username: 'postgres', database: 'postgres' }, EMBEDDED_POOL_SIZE)
  return {
    database,
    isEmbedded: true,
    isOwner,
    close: async () => {
      await database.close()
      await close()
    }
  }
}

/**
 * Gives an empty database CSCX's tables and demo rows, whole or not at all.
 * @returns whether it did; false when they are there.
 */
async function seedBaseline (sql: Sql): Promise<boolean> {
  return await sql.begin(async (tx) => {
    const [found] = await tx<Array<{ exists: boolean }>>`select to_regclass('public.organizations') is not null as exists`
    if (found?.exists) return false
    for (const file of ['schema.sql', 'demo.sql']) await tx.unsafe(readFileSync(join(import.meta.dirname, 'baseline', file), 'utf8'))
    return true
  })
}
