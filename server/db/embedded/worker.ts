import { parentPort, workerData } from 'node:worker_threads'
import { openBackend } from './backend.js'
import { serveSocket } from './socket-server.js'

/** What the thread is started with. */
export interface WorkerInput {
  /** Postgres' own data directory. */
  clusterDir: string
  socketPath: string
}

/** What it says: that it serves, that it has closed everything and may end, or why it ends. */
export type WorkerMessage = 'ready' | 'closed' | { failure: string }

const { clusterDir, socketPath } = workerData as WorkerInput
const say = (message: WorkerMessage) => parentPort?.postMessage(message)

/** Ends the thread at once, even from inside of a callback that WASM waits for. */
function fail (error: unknown): never {
  say({ failure: String(error) })
  process.exit(1)
}

const backend = await openBackend(clusterDir, fail)
const server = await serveSocket(backend.execute, socketPath, fail)
say('ready')

parentPort?.once('message', () => {
  void server.close().then(async () => {
    await backend.close()
    say('closed')
    parentPort?.close()
  })
})
