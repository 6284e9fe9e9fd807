import { migrate } from 'drizzle-orm/postgres-js/migrator'
import type { Sql } from 'postgres'
import { actions, type Action, type ActionName } from '../../shared/catalogue/actions/index.js'
import { CscxSchema } from '../../server/cscx/tables.js'
import { connect, type Database } from '../../server/db/client.js'
import { runAction, type ActionAnswer, type ActionRequest } from '../../server/inbound/index.js'
import { ApiProblem } from '../../server/problem.js'
import { createDatabase } from '../helpers/postgres.js'

/** Ids of the demo rows. */
export const DEMO = 'd0000000-0000-4000-8000-000000000001'
export const NORTHWIND = 'd0000000-0000-4000-8000-000000000002'
export const customer = (number: number) => `c0000000-0000-4000-8000-${String(number).padStart(12, '0')}`
export const ACME = customer(1)
export const DANA = 'a0000000-0000-4000-8000-000000000001'

export function actionOf (name: ActionName): Action {
  return actions.find((action) => action.name === name) as Action
}

export interface Workbench {
  url: string
  database: Database
  schema: CscxSchema
  /** For looking at what was written. */
  sql: Sql
  /** Runs an action for Demo Company, unless said otherwise. */
  run: (name: ActionName, input: unknown, options?: Partial<ActionRequest>) => Promise<ActionAnswer>
  /** The problem that an action ends in. */
  refuse: (name: ActionName, input: unknown, options?: Partial<ActionRequest>) => Promise<ApiProblem>
  drop: () => Promise<void>
}

/**
 * A database with the adapter's tables.
 * @param ddl What to change about the baseline, or, with `baseline: false`, all that there is of CSCX.
 */
export async function workbench ({ baseline = true, ddl = '' }: { baseline?: boolean, ddl?: string } = {}): Promise<Workbench> {
  const created = await createDatabase({ baseline })
  await created.sql.unsafe(ddl)
  const database = connect(created.url, 12)
  await migrate(database.orm, { migrationsFolder: 'server/db/migrations' })
  const schema = new CscxSchema(database.sql)
  await schema.refresh()
  const run: Workbench['run'] = async (name, input, options = {}) =>
    await runAction(database, schema, { organizationId: DEMO, actorId: 'key-1', origin: 'zapier', action: actionOf(name), input, ...options })
  return {
    url: created.url,
    database,
    schema,
    sql: created.sql,
    run,
    refuse: async (...request) => await run(...request).then(
      (answer) => { throw new Error(`Expected a problem, got ${JSON.stringify(answer)}`) },
      (error: unknown) => {
        if (error instanceof ApiProblem) return error
        throw error
      }
    ),
    drop: async () => {
      await database.close()
      await created.drop()
    }
  }
}

/** Pointers of the fields that a problem names. */
export function pointers (problem: ApiProblem): string[] {
  return (problem.errors ?? []).map(({ pointer }) => pointer)
}
