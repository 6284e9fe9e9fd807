import { mkdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { isServed, SOCKET_PORT, socketDirectory, socketPath, takeOwnership, type Ownership } from './ownership.js'
import type { WorkerInput, WorkerMessage } from './worker.js'

/** How long to wait for another process that is starting or stopping on the same data directory. */
const WAIT_MS = 15_000
const POLL_MS = 50
/** How long closing may take; a database that is cut off recovers at its next start. */
const CLOSE_MS = 10_000
/**
 * V8's stack in the database's thread, of which only what is used takes memory. Postgres recurses, for instance on nested
 * JSON, but sees only the stack that WASM keeps in its own memory, so that max_stack_depth comes too late with V8's
 * default of 4 MB. Measured: 128 MB are enough for a million levels of json, not of jsonb; 256 MB for both.
 */
const STACK_MB = 256

export interface EmbeddedDatabase {
  /** Directory of the Unix socket, as a Postgres client's host: `psql -h <directory> -U postgres postgres`. */
  host: string
  port: number
  /** Whether this process runs the database, and did not find it running. */
  isOwner: boolean
  /** The owner stops the database; others merely leave. Close connections first. */
  close: () => Promise<void>
}

/**
 * Opens the embedded Postgres (PGlite) in a data directory, or joins the process that has it open. The database runs in
 * a thread, so that it never outlives its process; statement_timeout and cancelling have no effect on it.
 *
 * @param mayJoin Whether a database that another process runs will do. A server wants its own: one that a command runs is gone in a moment.
 * @param onFailure Called once if the database ends by itself: nothing works from then on.
 * @throws Error when another process has the directory but does not serve it within a quarter of a minute.
 */
export async function openEmbedded (dataDir: string, mayJoin: boolean, onFailure: (error: Error) => void): Promise<EmbeddedDatabase> {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const directory = realpathSync(dataDir)
  const place = { host: socketDirectory(directory), port: SOCKET_PORT }
  const until = Date.now() + WAIT_MS
  for (;;) {
    if (mayJoin && await isServed(socketPath(directory))) return { ...place, isOwner: false, close: async () => {} }
    const ownership = await takeOwnership(directory)
    if (ownership) return { ...place, isOwner: true, close: await start(directory, ownership, onFailure) }
    if (Date.now() > until) throw new Error(`Another process has ${dataDir} open${mayJoin ? ' but does not answer' : ': stop it, or give this one a DATA_DIR or DATABASE_URL of its own'}`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

/** Starts the database's thread and waits until it serves. @returns how to stop it. */
async function start (directory: string, ownership: Ownership, onFailure: (error: Error) => void): Promise<() => Promise<void>> {
  const worker = new Worker(new URL('./worker.js', import.meta.url), {
    workerData: { clusterDir: join(directory, 'postgres'), socketPath: socketPath(directory) } satisfies WorkerInput,
    resourceLimits: { stackSizeMb: STACK_MB }
  })
  const said = (wanted: WorkerMessage) => new Promise<void>((resolve) => {
    worker.on('message', (message: WorkerMessage) => { if (message === wanted) resolve() })
  })
  const ended = endOf(worker)
  const unlessEnded = async (wanted: Promise<void>) => await Promise.race([wanted, ended.then((error) => { throw error })])

  let isClosing = false
  try {
    await unlessEnded(said('ready'))
  } catch (error) {
    await ownership.release()
    throw error
  }
  void ended.then((error) => { if (!isClosing) onFailure(error) })
  return async () => {
    isClosing = true
    const timer = setTimeout(() => { void worker.terminate() }, CLOSE_MS)
    const closed = said('closed')
    worker.postMessage('close')
    try {
      await unlessEnded(closed)
      await worker.terminate()
    } finally {
      clearTimeout(timer)
      await ownership.release()
    }
  }
}

/** Resolves with the reason when the thread ends. */
async function endOf (worker: Worker): Promise<Error> {
  const reason = await new Promise<string>((resolve) => {
    worker.on('message', (message: WorkerMessage) => { if (typeof message === 'object') resolve(message.failure) })
    worker.once('error', (error) => resolve(error.message))
    worker.once('exit', (code) => resolve(`exit code ${code}`))
  })
  return new Error(`The embedded database has ended: ${reason}`)
}
