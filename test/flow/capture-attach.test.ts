import { attachCapture } from '../../server/capture/index.js'
import { eventually } from '../helpers/eventually.js'
import { ACME, customer, workbench, type Workbench } from './actions-workbench.js'

let bench: Workbench

beforeEach(async () => { bench = await workbench() })

afterEach(async () => await bench.drop())

const attach = async () => await attachCapture(bench.database.sql, bench.schema.current())
const captured = async () => (await bench.sql`select table_name from cscx_zapier.changes order by id`).map((row) => row['table_name'] as string)

/** Runs while a transaction has written to customers and is not over. */
async function whileHeld (run: () => Promise<void>): Promise<void> {
  const holder = await bench.sql.reserve()
  try {
    await holder`begin`
    await holder`update customers set tier = 'Held' where id = ${ACME}`
    await run()
    await holder`rollback`
  } finally {
    holder.release()
  }
}

test('a table that a long transaction holds is left for later, and its writers are let through', async () => {
  await whileHeld(async () => {
    const attaching = attach()
    await eventually(async () => {
      expect(await bench.sql`select from pg_locks where relation = 'customers'::regclass and mode = 'ShareRowExclusiveLock' and not granted`).toHaveLength(1)
    })
    // Queued behind the trigger, whose wait must end long before the holder's transaction does.
    await bench.sql.begin(async (tx) => {
      await tx`set local statement_timeout = '15s'`
      await tx`update customers set tier = 'Gold' where id = ${customer(2)}`
    })
    const { attached, busy, failed } = await attaching
    expect([busy, failed]).toEqual([['customers'], []])
    expect(attached).toContain('tasks INSERT')
  })
  expect(await attach()).toEqual({ attached: ['customers UPDATE', 'customers INSERT', 'customers DELETE'], busy: [], failed: [] })
  await bench.sql`update customers set tier = 'Silver' where id = ${customer(2)}`
  expect(await captured()).toEqual(['customers'])
})

test('a table whose triggers are there is not locked', async () => {
  await attach()
  await whileHeld(async () => expect(await attach()).toEqual({ attached: [], busy: [], failed: [] }))
})

test('a table that takes no triggers is named, and the others get theirs', async () => {
  await bench.sql`create function public.refuse() returns event_trigger language plpgsql as $$ begin
    if exists (select from pg_event_trigger_ddl_commands() c where c.object_identity like '%on public.tasks') then raise 'Not on tasks'; end if;
  end $$`
  await bench.sql`create event trigger refuse_triggers on ddl_command_end when tag in ('CREATE TRIGGER') execute function public.refuse()`
  const { attached, busy, failed } = await attach()
  expect([busy, failed]).toEqual([[], [{ table: 'tasks', reason: 'Not on tasks' }]])
  expect(attached).toContain('meetings INSERT')
  await bench.sql`insert into tasks (title) values ('x')`
  expect(await captured()).toEqual([])
})
