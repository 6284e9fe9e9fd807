import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { eventually } from '../helpers/eventually.js'

const FIXTURE = join(__dirname, '..', 'fixtures', 'embedded.mjs')

/** A process that has the embedded database open. */
class Opener {
  readonly #child: ChildProcess
  #output = ''
  #errors = ''

  constructor (dataDir: string, task = 'hold', variables: Record<string, string> = {}) {
    this.#child = spawn(process.execPath, [FIXTURE, dataDir, task], { env: { ...process.env, ...variables }, stdio: ['pipe', 'pipe', 'pipe'] })
    this.#child.stdout?.on('data', (chunk: Buffer) => { this.#output += chunk.toString() })
    this.#child.stderr?.on('data', (chunk: Buffer) => { this.#errors += chunk.toString() })
    openers.push(this)
  }

  /** What it says once the database is open. */
  async opened (): Promise<{ isOwner: boolean, isFirstStart: boolean }> {
    return await eventually(() => {
      if (this.#child.exitCode !== null) throw new Error(`Ended with ${this.#child.exitCode}: ${this.#errors}`)
      return JSON.parse(this.#output.split('\n', 1)[0] ?? '') as { isOwner: boolean, isFirstStart: boolean }
    }, 50_000)
  }

  /** Ids of rows whose commit was acknowledged; a line that is not complete does not count. */
  get acknowledged (): number[] {
    return this.#output.split('\n').slice(1, -1).map(Number)
  }

  get errors (): string {
    return this.#errors
  }

  /** Waits for its end. @returns its exit code; null when a signal ended it. */
  async ended (): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit')
    return this.#child.exitCode
  }

  async close (): Promise<number | null> {
    this.#child.stdin?.end()
    return await this.ended()
  }

  async kill (): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended()
  }
}

let template: string
let dataDir: string
let openers: Opener[] = []
let clients: postgres.Sql[] = []

function connect (max = 1): postgres.Sql {
  const client = postgres({ host: dataDir, port: 5432, username: 'postgres', database: 'postgres', max, onnotice: () => {} })
  clients.push(client)
  return client
}

beforeAll(async () => {
  template = mkdtempSync(join(tmpdir(), 'cscx-embedded-'))
  const opener = new Opener(template)
  expect(await opener.opened()).toEqual({ isOwner: true, isFirstStart: true })
  expect(await opener.close()).toBe(0)
})

afterAll(() => rmSync(template, { recursive: true, force: true }))

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'cscx-embedded-'))
  cpSync(template, dataDir, { recursive: true })
})

afterEach(async () => {
  await Promise.all(clients.map(async (client) => await client.end({ timeout: 0 })))
  await Promise.all(openers.map(async (opener) => await opener.kill()))
  clients = []
  openers = []
  rmSync(dataDir, { recursive: true, force: true })
})

describe('clients of one embedded database', () => {
  beforeEach(async () => {
    expect(await new Opener(dataDir).opened()).toEqual({ isOwner: true, isFirstStart: false })
  })

  test('find CSCX\'s demo data and the adapter\'s schema, and a database that syncs what it commits', async () => {
    const sql = connect()
    expect(await sql`select name from customers where domain = 'acme.com'`).toEqual([{ name: 'Acme Corp' }, { name: 'Acme Corp' }])
    expect(await sql`select count(*)::int as n from cscx_zapier.__drizzle_migrations`).toEqual([{ n: expect.any(Number) }])
    expect(await sql`select current_setting('fsync') as fsync, current_setting('full_page_writes') as pages`).toEqual([{ fsync: 'on', pages: 'on' }])
    expect([dataDir, join(dataDir, '.s.PGSQL.5432')].map((path) => (statSync(path).mode & 0o777).toString(8))).toEqual(['700', '600'])
  })

  test('run transactions that do not see one another, and errors of one are none of the others\'', async () => {
    const setup = connect()
    await setup`create table counter (value integer not null)`
    await setup`insert into counter values (0)`
    const increment = async (sql: postgres.Sql) => await sql.begin(async (tx) => {
      const [row] = await tx<Array<{ value: number }>>`select value from counter`
      await tx`update counter set value = ${(row?.value ?? 0) + 1}`
    })
    await Promise.all([1, 1, 1, 1, 4, 4].map(connect).map(async (sql, index) => {
      for (let round = 0; round < 10; round++) {
        await increment(sql)
        if (index % 2 === 0) await expect(sql`select * from missing where id = ${round}`).rejects.toMatchObject({ code: '42P01' })
      }
    }))
    expect(await setup`select value from counter`).toEqual([{ value: 60 }])
  })

  test('are not held up by one that vanishes in a transaction, and find nothing of it', async () => {
    const [survivor, vanishing] = [connect(), connect()]
    await survivor`create table t (id integer primary key)`
    let isInside = false
    const doomed = vanishing.begin(async (tx) => {
      await tx`insert into t values (1)`
      isInside = true
      await new Promise(() => {})
    })
    const rejection = expect(doomed).rejects.toThrow()
    await eventually(() => expect(isInside).toBe(true))
    const rows = survivor`select * from t`
    await vanishing.end({ timeout: 0 })
    await rejection
    expect(await rows).toEqual([])
  })

  test('notify one another, and go on when a listener leaves', async () => {
    const [leaver, listener, notifier] = [connect(), connect(), connect()]
    const heard: string[] = []
    await leaver.listen('news', (payload) => { heard.push(`leaver ${payload}`) })
    await listener.listen('news', (payload) => { heard.push(payload) })
    await notifier.begin(async (tx) => {
      await tx`select pg_notify('news', 'one'), pg_notify('other', 'not for us')`
    })
    await eventually(() => expect(heard.sort()).toEqual(['leaver one', 'one']))
    await leaver.end()
    await notifier.notify('news', 'two')
    await eventually(() => expect(heard).toContain('two'))
    expect(heard.sort()).toEqual(['leaver one', 'one', 'two'])
  })

  test('copy in and out; a COPY that is not possible fails and leaves the database as it was', async () => {
    const sql = connect()
    await sql`create table t (id integer, name text)`
    const writable = await sql`copy t from stdin`.writable()
    for (let id = 1; id <= 5000; id++) writable.write(`${id}\tname ${id}\n`)
    writable.end()
    await once(writable, 'finish')
    expect(await sql`select count(*)::int as n, max(name) as name from t`).toEqual([{ n: 5000, name: 'name 999' }])
    let copied = ''
    for await (const chunk of await sql`copy (select * from t where id <= 3 order by id) to stdout`.readable()) copied += String(chunk)
    expect(copied).toBe('1\tname 1\n2\tname 2\n3\tname 3\n')
    await expect(sql.unsafe('insert into t values (0, \'\'); copy t from stdin')).rejects.toThrow()
    await expect(sql.unsafe('copy t from stdin where id = $1', [1])).rejects.toMatchObject({ code: '42883' })
    expect(await connect()`select count(*)::int as n from t`).toEqual([{ n: 5000 }])
  })

  test('are refused nesting that is too deep, and nothing breaks', async () => {
    const sql = connect()
    const select = (depth: number) => sql`select ${'['.repeat(depth) + ']'.repeat(depth)}::text::jsonb is null as empty`
    await expect(select(500_000)).rejects.toMatchObject({ code: '54001' })
    expect(await select(1000)).toEqual([{ empty: false }])
  })

  test('that speak nonsense are told so and cut off; others do not notice', async () => {
    const socket = createConnection(join(dataDir, '.s.PGSQL.5432'))
    let answer = ''
    socket.on('data', (chunk: Buffer) => { answer += chunk.toString('latin1') })
    const closed = once(socket, 'close')
    const version = Buffer.from([0, 3, 0, 0])
    socket.write(Buffer.concat([Buffer.from([0, 0, 0, 9]), version, Buffer.of(0)]))
    await eventually(() => expect(answer).toContain('server_version'))
    socket.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
    await closed
    expect(answer).toContain('C08P01')
    expect(await connect()`select 1 as one`).toEqual([{ one: 1 }])
  })
})

describe('processes', () => {
  test('that start at once share it: one runs it, all can use it, and none migrates twice', async () => {
    const processes = Array.from({ length: 4 }, () => new Opener(dataDir))
    const opened = await Promise.all(processes.map(async (each) => await each.opened()))
    expect(opened.filter(({ isOwner }) => isOwner)).toHaveLength(1)
    for (const [index, { isOwner }] of opened.entries()) if (!isOwner) expect(await processes[index]?.close()).toBe(0)
    expect(await connect()`select count(*)::int as n from customers`).toEqual([{ n: 16 }])
    const owner = processes[opened.findIndex(({ isOwner }) => isOwner)]
    expect(await owner?.close()).toBe(0)
    expect(existsSync(join(dataDir, '.s.PGSQL.5432'))).toBe(false)
  })

  test('that start at once on an empty directory make one database, and one of them its demo data', async () => {
    rmSync(dataDir, { recursive: true })
    const processes = Array.from({ length: 2 }, () => new Opener(dataDir))
    const opened = await Promise.all(processes.map(async (each) => await each.opened()))
    expect(opened.filter(({ isOwner }) => isOwner)).toHaveLength(1)
    expect(opened.filter(({ isFirstStart }) => isFirstStart)).toHaveLength(1)
    expect(await connect()`select count(*)::int as n from customers`).toEqual([{ n: 16 }])
  })

  test('that are killed in the middle of inserts lose nothing that was acknowledged, and leave a sound database', async () => {
    const acknowledged = new Set<number>()
    for (let round = 1; round <= 5; round++) {
      const opener = new Opener(dataDir, 'insert')
      expect(await opener.opened()).toMatchObject({ isOwner: true })
      await eventually(() => expect(opener.acknowledged.length).toBeGreaterThan(40 * round))
      await opener.kill()
      for (const id of opener.acknowledged) acknowledged.add(id)
      expect(existsSync(join(dataDir, '.s.PGSQL.5432'))).toBe(true)
    }
    await new Opener(dataDir).opened()
    const sql = connect()
    const ids = async (isByIndex: boolean) => await sql.begin(async (tx) => {
      await tx`select set_config('enable_seqscan', ${isByIndex ? 'off' : 'on'}, true), set_config('enable_indexscan', ${isByIndex ? 'on' : 'off'}, true), set_config('enable_bitmapscan', 'off', true), set_config('enable_indexonlyscan', 'off', true)`
      const [plan] = await tx<Array<{ 'QUERY PLAN': string }>>`explain select id, payload from acknowledged where id > 0 order by id`
      expect(plan?.['QUERY PLAN']).toMatch(isByIndex ? /^Index Scan/ : /^Sort/)
      return await tx<Array<{ id: number, payload: string }>>`select id, payload from acknowledged where id > 0 order by id`
    })
    const rows = await ids(false)
    expect(await ids(true)).toEqual(rows)
    expect(rows.filter(({ id, payload }) => payload !== 'x'.repeat(id % 500))).toEqual([])
    const found = new Set(rows.map(({ id }) => id))
    expect([...acknowledged].filter((id) => !found.has(id))).toEqual([])
    // What was committed but not yet acknowledged may be there too: at most one row a kill.
    expect(found.size - acknowledged.size).toBeLessThanOrEqual(5)
  })

  test('are not stopped by what others left behind: a socket nobody serves, a cluster that was never finished', async () => {
    writeFileSync(join(dataDir, '.s.PGSQL.5432'), '')
    cpSync(join(dataDir, 'postgres', 'base'), join(dataDir, 'postgres.new', 'base'), { recursive: true })
    rmSync(join(dataDir, 'postgres'), { recursive: true })
    expect(await new Opener(dataDir).opened()).toEqual({ isOwner: true, isFirstStart: true })
    expect(existsSync(join(dataDir, 'postgres.new'))).toBe(false)
  })

  test('end with an error when the database breaks, rather than commit half a statement', async () => {
    const opener = new Opener(dataDir)
    await opener.opened()
    const sql = connect()
    await sql`create table t (value jsonb)`
    // More levels than any stack holds, and no error of Postgres' own.
    const depth = 10_000_000
    await expect(sql`insert into t select '1'::jsonb union all select ${'['.repeat(depth) + ']'.repeat(depth)}::text::jsonb`).rejects.toThrow()
    expect(await opener.ended()).toBe(1)
    expect(opener.errors).toContain('The embedded database has ended: RangeError')
    expect(await new Opener(dataDir).opened()).toMatchObject({ isOwner: true })
    expect(await connect()`select * from t`).toEqual([])
  })

  test('in a directory with a long name use a socket with a short one, and leave nothing of it', async () => {
    const temporary = join(dataDir, 'tmp')
    const long = join(dataDir, 'a-directory-name-of-fifty-characters-or-more-in-all', 'a-directory-name-of-fifty-characters-or-more-in-all')
    mkdirSync(temporary)
    cpSync(template, long, { recursive: true })
    const owner = new Opener(long, 'hold', { TMPDIR: temporary })
    expect(await owner.opened()).toMatchObject({ isOwner: true })
    const other = new Opener(long, 'hold', { TMPDIR: temporary })
    expect(await other.opened()).toMatchObject({ isOwner: false })
    const [directory] = readdirSync(temporary)
    expect(statSync(join(temporary, directory ?? '')).mode & 0o777).toBe(0o700)
    expect(await other.close()).toBe(0)
    expect(await owner.close()).toBe(0)
    expect(readdirSync(temporary)).toEqual([])
  })
})
