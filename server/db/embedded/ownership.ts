import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Where Postgres clients look in a socket directory for the port that they are given. */
export const SOCKET_PORT = 5432
const SOCKET_NAME = `.s.PGSQL.${SOCKET_PORT}`
/** sun_path of a Unix socket holds 108 bytes on Linux, 104 elsewhere. */
const SOCKET_PATH_MAX = 100

const digest = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 32)

/** The directory of the socket: the data directory or, where its path is too long for a socket, one of ours among temporary files. */
export function socketDirectory (dataDir: string): string {
  if (Buffer.byteLength(join(dataDir, SOCKET_NAME)) <= SOCKET_PATH_MAX) return dataDir
  const directory = join(tmpdir(), `cscx-zapier-${digest(dataDir).slice(0, 16)}`)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  // There is no authentication on the socket: only its owner may reach it.
  chmodSync(directory, 0o700)
  return directory
}

export function socketPath (dataDir: string): string {
  return join(socketDirectory(dataDir), SOCKET_NAME)
}

/** Whether somebody answers on a socket. */
export async function isServed (path: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

export interface Ownership {
  release: () => Promise<void>
}

/**
 * Takes the data directory for this process; undefined when another one has it. The lock is an abstract socket (unix(7)):
 * the kernel gives it to one process only, and frees it when that one ends, however it ends. There is no lock file that
 * could be left behind. Linux only; elsewhere whoever finds no server takes the directory.
 */
export async function takeOwnership (dataDir: string): Promise<Ownership | undefined> {
  if (process.platform !== 'linux') return { release: async () => {} }
  const server = createServer()
  const isOurs = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(`\0cscx-zapier-${digest(dataDir)}`, () => resolve(true))
  })
  if (!isOurs) return undefined
  server.unref()
  // What a killed process left behind.
  rmSync(socketPath(dataDir), { force: true })
  return { release: async () => { await new Promise((resolve) => server.close(resolve)) } }
}
