import { createHash } from 'node:crypto'
import { chmodSync, closeSync, constants, lstatSync, mkdirSync, openSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Where Postgres clients look in a socket directory for the port that they are given. */
export const SOCKET_PORT = 5432
const SOCKET_NAME = `.s.PGSQL.${SOCKET_PORT}`
/** sun_path of a Unix socket holds 108 bytes on Linux, 104 elsewhere. */
const SOCKET_PATH_MAX = 100
/** Takes an exclusive lock with open(2), on macOS and the BSDs only; Node has no name for it. */
const O_EXLOCK = 0x20

const digest = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 32)

/**
 * The directory of the socket: the data directory or, where its path is too long for a socket, one of ours among temporary files.
 * @param dataDir The real path of the data directory.
 * @throws Error when somebody else's directory has that place.
 */
export function socketDirectory (dataDir: string): string {
  if (Buffer.byteLength(join(dataDir, SOCKET_NAME)) <= SOCKET_PATH_MAX) return dataDir
  const directory = join(tmpdir(), `cscx-zapier-${digest(dataDir).slice(0, 16)}`)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const found = lstatSync(directory)
  if (!found.isDirectory() || found.uid !== process.getuid?.()) throw new Error(`${directory} belongs to somebody else: give DATA_DIR a shorter path`)
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
 * Takes the data directory for this process; undefined when another one has it. The kernel gives the lock to one process
 * only and frees it when that one ends, however it ends: there is no lock file whose owner could be dead, nor a moment
 * in which two processes could both take over from a dead one.
 *
 * @param dataDir The real path of the data directory.
 */
export async function takeOwnership (dataDir: string): Promise<Ownership | undefined> {
  const ownership = process.platform === 'linux' ? await lockAbstractSocket(dataDir) : lockFile(dataDir)
  if (ownership === undefined) return undefined
  closeToOthers(socketDirectory(dataDir))
  // What a killed process left behind.
  rmSync(socketPath(dataDir), { force: true })
  return {
    release: async () => {
      removeTemporary(dataDir)
      await ownership.release()
    }
  }
}

/** A directory that is not ours, such as a mounted volume, stays as it is: the files in it, and the socket, are for us only. */
function closeToOthers (directory: string): void {
  try {
    chmodSync(directory, 0o700)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error
  }
}

/** A socket directory of its own has nothing left in it once the database is closed. */
function removeTemporary (dataDir: string): void {
  const directory = socketDirectory(dataDir)
  if (directory !== dataDir) rmSync(directory, { recursive: true, force: true })
}

/** An abstract socket (unix(7)): a name that one process at a time can have, and no file. */
async function lockAbstractSocket (dataDir: string): Promise<Ownership | undefined> {
  const server = createServer()
  const isOurs = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(`\0cscx-zapier-${digest(dataDir)}`, () => resolve(true))
  })
  if (!isOurs) return undefined
  server.unref()
  return { release: async () => { await new Promise((resolve) => server.close(resolve)) } }
}

function lockFile (dataDir: string): Ownership | undefined {
  try {
    const file = openSync(join(dataDir, 'owner.lock'), constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK | O_EXLOCK, 0o600)
    return { release: async () => closeSync(file) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined
    throw error
  }
}
