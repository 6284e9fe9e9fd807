import { randomBytes } from 'node:crypto'
import postgres from 'postgres'

/** A database of a test's own on the real PostgreSQL that global-setup.ts provides. */
export interface TestDatabase {
  /** For the code under test: `connect(url, …)`, or DATABASE_URL of a child process. */
  url: string
  /** For the test itself: plain postgres.js, without the parsers that Drizzle installs. */
  sql: postgres.Sql
  /** Closes `sql` and removes the database, whoever may still be connected. */
  drop: () => Promise<void>
}

/**
 * Creates a database (tens of milliseconds).
 *
 * @param baseline Whether it holds CSCX's tables and demo rows (server/db/baseline); otherwise it is empty.
 */
export async function createDatabase ({ baseline = true }: { baseline?: boolean } = {}): Promise<TestDatabase> {
  const adminUrl = process.env['TEST_POSTGRES_URL']
  const template = process.env['TEST_POSTGRES_TEMPLATE']
  if (adminUrl === undefined || template === undefined) throw new Error('createDatabase works in jest only: global-setup.ts starts the server')

  const name = `cscx_test_${randomBytes(8).toString('hex')}`
  await administer(adminUrl, (admin) => baseline
    ? admin`CREATE DATABASE ${admin(name)} TEMPLATE ${admin(template)}`
    : admin`CREATE DATABASE ${admin(name)} TEMPLATE template0`)
  const url = new URL(adminUrl)
  url.pathname = `/${name}`
  const sql = postgres(url.href, { max: 4, onnotice: () => {} })
  return {
    url: url.href,
    sql,
    drop: async () => {
      await sql.end({ timeout: 5 })
      await administer(adminUrl, (admin) => admin`DROP DATABASE IF EXISTS ${admin(name)} WITH (FORCE)`)
    }
  }
}

async function administer (adminUrl: string, statement: (admin: postgres.Sql) => PromiseLike<unknown>): Promise<void> {
  const admin = postgres(adminUrl, { max: 1, onnotice: () => {} })
  try {
    await statement(admin)
  } finally {
    await admin.end({ timeout: 5 })
  }
}
