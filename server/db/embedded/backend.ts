import { existsSync, fsyncSync, renameSync, rmSync } from 'node:fs'
import { PGlite, type PGliteOptions } from '@electric-sql/pglite'
import { NodeFS } from '@electric-sql/pglite/nodefs'
import { errorResponse } from './wire.js'

/** Most that one request may put out; PGlite cannot be made to wait for a slow reader. */
const OUTPUT_MAX_BYTES = 256 * 1024 * 1024

/**
 * PGlite's own start parameters, but with fsync: by default it passes -F, and its file system on Node ignores fsync. What
 * has been committed would survive kill -9, yet not a loss of power.
 */
const START_PARAMETERS = [...PGlite.defaultStartParams.filter((parameter) => parameter !== '-F'), '-c', 'wal_sync_method=fsync']

/** How PGlite passes on what is siglongjmp in Postgres: an error that Postgres deals with. */
const LONG_JUMP_STATUS = 100

interface Stream { nfd: number }
/** What PGlite's types leave out of Emscripten's Node file system. */
interface NodeFileSystem { NODEFS: { stream_ops: { fsync?: (stream: Stream) => number } } }

class DurableFS extends NodeFS {
  override async init (...args: Parameters<NodeFS['init']>) {
    const initialised = await super.init(...args)
    initialised.emscriptenOpts.preRun?.push((module: unknown) => {
      (module as NodeFileSystem).NODEFS.stream_ops.fsync = ({ nfd }) => {
        fsyncSync(nfd)
        return 0
      }
    })
    return initialised
  }
}

export interface Backend {
  /** Executes protocol messages and resolves with everything that they put out. Not to be called concurrently. */
  execute: (messages: Buffer) => Promise<Buffer>
  /** Ends as Postgres does when asked to: with a checkpoint. */
  close: () => Promise<void>
}

/**
 * Opens, or creates, a Postgres data directory. Nobody else may have it open.
 *
 * @param onBroken Called when WASM fails in the middle of a statement. It must end the thread there and then.
 */
export async function openBackend (clusterDir: string, onBroken: (error: unknown) => never): Promise<Backend> {
  if (!existsSync(clusterDir)) await createCluster(clusterDir)
  const database = await PGlite.create({ fs: new DurableFS(clusterDir), startParams: START_PARAMETERS } satisfies PGliteOptions)
  stopWhenBroken(database, onBroken)
  return {
    execute: async (messages) => {
      const output = new BoundedOutput()
      // Not execProtocolRaw: that keeps a parsed copy of everything it ever put out.
      await database.execProtocolRawStream(messages, { syncToFs: false, onRawData: (bytes) => output.add(bytes) })
      return output.read()
    },
    close: async () => { await database.close() }
  }
}

/** PGlite copies a new cluster file by file: only a finished one gets its name, and what a killed process left is done anew. */
async function createCluster (clusterDir: string): Promise<void> {
  const unfinished = `${clusterDir}.new`
  rmSync(unfinished, { recursive: true, force: true })
  const database = await PGlite.create(unfinished)
  await database.close()
  renameSync(unfinished, clusterDir)
}

/**
 * When WASM fails, by an overflow of V8's stack for instance, PGlite goes on with the next message. If that is Sync, the
 * statement that was cut off is committed as far as it got, and the client told that all went well.
 */
function stopWhenBroken ({ Module: module }: PGlite, onBroken: (error: unknown) => never): void {
  const runOnce = module._PostgresMainLoopOnce
  module._PostgresMainLoopOnce = () => {
    try {
      runOnce()
    } catch (error) {
      if ((error as { status?: unknown }).status !== LONG_JUMP_STATUS) onBroken(error)
      throw error
    }
  }
}

/** Collects output; when it grows too large, an error takes the place of all but how it ends. */
class BoundedOutput {
  #chunks: Buffer[] = []
  #bytes = 0

  add (bytes: Uint8Array): void {
    this.#bytes += bytes.length
    if (this.#bytes > OUTPUT_MAX_BYTES) this.#chunks = this.#chunks.slice(-1)
    // A copy: the bytes lie in WASM memory that is used again.
    this.#chunks.push(Buffer.from(bytes))
  }

  read (): Buffer {
    const collected = Buffer.concat(this.#chunks)
    if (this.#bytes <= OUTPUT_MAX_BYTES) return collected
    const ready = collected.subarray(-6)
    const endsReady = ready[0] === 0x5A && ready.readUInt32BE(1) === 5
    return Buffer.concat([errorResponse('ERROR', '54000', `the result is larger than ${OUTPUT_MAX_BYTES} bytes`), ...(endsReady ? [ready] : [])])
  }
}
