import { openDatabase } from '../db/open.js'
import { readEnv } from '../env.js'

/** Runs one SQL statement on the configured database and prints its rows, for trying things without a Postgres client. */
async function main (): Promise<void> {
  const [statement, ...rest] = process.argv.slice(2)
  if (!statement || rest.length > 0) throw new Error('Usage: npm run --silent sql -- "<statement>"')
  const env = readEnv()
  const { database, close } = await openDatabase({ databaseUrl: env.DATABASE_URL, dataDir: env.DATA_DIR })
  try {
    const result = await database.sql.unsafe(statement)
    if (result.length > 0) console.table([...result])
    process.stdout.write(`${result.command} ${result.count}\n`)
  } finally {
    await close()
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 1
})
