import { parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import { serveSocket } from './socket-server.js'

/** What the thread is started with. */
export interface WorkerInput {
  /** Postgres' own data directory. */
  clusterDir: string
  socketPath: string
}

/** What it says: that it serves, or that it has closed everything and may end. */
export type WorkerMessage = 'ready' | 'closed'

const { clusterDir, socketPath } = workerData as WorkerInput
const say = (message: WorkerMessage) => parentPort?.postMessage(message)

const database = await PGlite.create(clusterDir, { relaxedDurability: false })
const server = await serveSocket(async (messages) => await database.execProtocolRaw(messages), socketPath)
say('ready')

parentPort?.once('message', () => {
  void server.close().then(async () => {
    await database.close()
    say('closed')
    parentPort?.close()
  })
})
