import { mkdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { isServed, SOCKET_PORT, socketDirectory, socketPath, takeOwnership, type Ownership } from './ownership.js'
import type { WorkerInput, WorkerMessage } from './worker.js'

/** How long to wait for another process that is starting or stopping on the same data directory. */
const WAIT_MS = 60_000
const POLL_MS = 50

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
 * Opens the embedded Postgres (PGlite) in a data directory, or joins the process that has it open.
 * @param onFailure Called when the database ends by itself: nothing works from then on.
 * @throws Error when another process has the directory but does not serve it within a minute.
 */
export async function openEmbedded (dataDir: string, onFailure: (error: Error) => void): Promise<EmbeddedDatabase> {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const directory = realpathSync(dataDir)
  const place = { host: socketDirectory(directory), port: SOCKET_PORT }
  const until = Date.now() + WAIT_MS
  for (;;) {
    if (await isServed(socketPath(directory))) return { ...place, isOwner: false, close: async () => {} }
    const ownership = await takeOwnership(directory)
    if (ownership) return { ...place, isOwner: true, ...await start(directory, ownership, onFailure) }
    if (Date.now() > until) throw new Error(`Another process has ${dataDir} open but does not answer`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

async function start (directory: string, ownership: Ownership, onFailure: (error: Error) => void): Promise<Pick<EmbeddedDatabase, 'close'>> {
  const worker = new Worker(new URL('./worker.js', import.meta.url), {
    workerData: { clusterDir: join(directory, 'postgres'), socketPath: socketPath(directory) } satisfies WorkerInput
  })
  await message(worker, 'ready')
  const fail = (error: Error) => onFailure(new Error(`The embedded database has ended: ${error.message}`, { cause: error }))
  const onExit = (code: number) => fail(new Error(`exit code ${code}`))
  worker.once('error', fail)
  worker.once('exit', onExit)
  return {
    close: async () => {
      worker.off('exit', onExit)
      const closed = message(worker, 'closed')
      worker.postMessage('close')
      await closed
      await worker.terminate()
      await ownership.release()
    }
  }
}

/** Waits until the thread says something. @throws when it ends first. */
async function message (worker: Worker, wanted: WorkerMessage): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const settle = (act: () => void) => {
      worker.off('message', onMessage).off('error', onError).off('exit', onExit)
      act()
    }
    const onMessage = (said: WorkerMessage) => { if (said === wanted) settle(resolve) }
    const onError = (error: Error) => settle(() => reject(error))
    const onExit = (code: number) => settle(() => reject(new Error(`The embedded database ended with code ${code}`)))
    worker.on('message', onMessage).on('error', onError).on('exit', onExit)
  })
}
