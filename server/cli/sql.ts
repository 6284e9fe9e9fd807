import { runCommand } from './with-database.js'

/** Runs one SQL statement on the configured database and prints its rows, for trying things without a Postgres client. */
runCommand(() => {
  const [statement, ...rest] = process.argv.slice(2)
  if (!statement || rest.length > 0) throw new Error('Usage: npm run --silent sql -- "<statement>"')
  return async ({ sql }) => {
    const result = await sql.unsafe(statement)
    if (result.length > 0) console.table([...result])
    process.stdout.write(`${result.command} ${result.count}\n`)
  }
})
