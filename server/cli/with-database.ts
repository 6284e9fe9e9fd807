import { databaseError, isDatabaseAway } from '../db/failures.js'
import { openDatabase, type OpenDatabase } from '../db/open.js'
import { readEnv } from '../env.js'

const TRIES = 5

/**
 * Opens the configured database for a command. The embedded one may be run by another command that is just ending: then
 * it is opened anew.
 */
async function open (): Promise<OpenDatabase> {
  const env = readEnv()
  for (let left = TRIES; ; left--) {
    try {
      return await openDatabase({ databaseUrl: env.DATABASE_URL, dataDir: env.DATA_DIR })
    } catch (error) {
      if (left === 1 || env.DATABASE_URL !== undefined || !isDatabaseAway(error)) throw error
    }
  }
}

type Command = (database: OpenDatabase['database']) => Promise<void>

/**
 * Runs a command on the configured database, beside a running server or without one; errors go to stderr and end it with 1.
 * @param prepare Reads the arguments, before anything is opened. @returns what to do then.
 */
export function runCommand (prepare: () => Command): void {
  const run = async () => {
    const command = prepare()
    const { database, close } = await open()
    try {
      await command(database)
    } finally {
      await close()
    }
  }
  run().catch((error: unknown) => {
    process.stderr.write(`${(databaseError(error) as Error).message}\n`)
    process.exitCode = 1
  })
}
