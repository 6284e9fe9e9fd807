import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startKept } from './kept.js'
import { freePort } from './postgres.js'

/** Every write is on disk before it is answered, as a commit of Postgres is; and nothing is ever evicted, as BullMQ wants it. */
const SETTINGS = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', '', '--maxmemory-policy', 'noeviction']
const START_TIMEOUT_MS = 10_000

export interface Redis {
  port: number
  stop: () => Promise<void>
}

/** @returns the version of the redis-server that is installed; undefined when there is none. */
export function redisVersion (): string | undefined {
  const { status, stdout } = spawnSync('redis-server', ['--version'], { encoding: 'utf8' })
  return status === 0 ? /v=(\S+)/.exec(stdout)?.[1] : undefined
}

/** Starts a Redis of its own, on an empty directory. */
export async function startRedis (): Promise<Redis> {
  const directory = mkdtempSync(join(tmpdir(), 'cscx-bench-redis-'))
  const port = await freePort()
  const { stop } = startKept(directory, 'TERM', ['redis-server', '--bind', '127.0.0.1', '--port', String(port), '--dir', directory, ...SETTINGS])
  await answers(port)
  return { port, stop }
}

async function answers (port: number): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS
  for (;;) {
    try {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      socket.destroy()
      return
    } catch (error) {
      if (Date.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}
