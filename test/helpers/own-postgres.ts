import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { freePort, makeCluster, ready, type NewCluster } from './global-setup.js'
import { ROOT } from './process.js'
import type { World } from './worlds.js'

/** Stops the cluster ($1: pg_ctl, $2: its data) and removes it ($3), however the test ends: then the pipe on standard input closes. */
const KEEPER = `
cat >/dev/null
"$1" stop -s -D "$2" -m immediate
cd / && rm -rf "$3"
`

/** A PostgreSQL of a test's own, with CSCX's tables and demo rows, that may be restarted under the product's feet. */
export class OwnPostgres implements World {
  readonly url: string
  readonly variables: Record<string, string>
  readonly #cluster: NewCluster
  readonly #keeper: ChildProcess
  readonly #client: postgres.Sql
  readonly #dataDir = mkdtempSync(join(tmpdir(), 'cscx-data-'))

  private constructor (cluster: NewCluster, port: number) {
    const { native, data, scratch, user, password } = cluster
    this.#cluster = cluster
    this.#keeper = spawn('/bin/sh', ['-c', KEEPER, 'keeper', join(native, 'bin/pg_ctl'), data, scratch], { ...user, cwd: scratch, detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
    this.#keeper.unref()
    this.url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`
    this.variables = { DATABASE_URL: this.url, DATA_DIR: this.#dataDir }
    this.#client = postgres(this.url, { max: 2, onnotice: () => {}, backoff: () => 0.05 })
  }

  /** @param settings Of the server, such as `max_connections`. */
  static async start (settings: Record<string, string | number> = {}): Promise<OwnPostgres> {
    const cluster = makeCluster(ROOT)
    const port = await freePort()
    const all = { port, listen_addresses: '127.0.0.1', unix_socket_directories: '', shared_buffers: '32MB', ...settings }
    appendFileSync(join(cluster.data, 'postgresql.conf'), Object.entries(all).map(([name, value]) => `${name} = '${value}'\n`).join(''))
    const own = new OwnPostgres(cluster, port)
    await own.#control('start')
    await ready(own.url, own.#log)
    for (const file of ['schema.sql', 'demo.sql']) await own.#client.file(join(ROOT, 'server/db/baseline', file))
    return own
  }

  sql (): postgres.Sql {
    return this.#client
  }

  /**
   * Stops the server and starts it again: `fast` tells all sessions to end, as an upgrade does; `immediate` kills them and
   * recovers from the log, as after a crash.
   */
  async restart (mode: 'fast' | 'immediate'): Promise<void> {
    await this.#control('restart', '-m', mode)
  }

  async drop (): Promise<void> {
    await this.#client.end({ timeout: 1 })
    const gone = once(this.#keeper, 'exit')
    this.#keeper.ref()
    this.#keeper.stdin?.end()
    await gone
    rmSync(this.#dataDir, { recursive: true, force: true })
  }

  get #log (): string {
    return join(this.#cluster.scratch, 'log')
  }

  /** Not spawnSync: the test's receiver and producers go on meanwhile. */
  async #control (...command: string[]): Promise<void> {
    const { native, data, scratch, user } = this.#cluster
    const child = spawn(join(native, 'bin/pg_ctl'), ['-s', '-w', '-D', data, '-l', this.#log, ...command], { ...user, cwd: scratch, stdio: 'ignore' })
    const [code] = await once(child, 'exit') as [number | null]
    if (code !== 0) throw new Error(`pg_ctl ${command.join(' ')} ended with ${code}`)
  }
}
