import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** What a child process can be asked to do, by name. Arguments and results travel as JSON. */
type Methods = Record<string, (...args: never[]) => unknown>

type Remote<M extends Methods> = {
  [K in keyof M]: (...args: Parameters<M[K]>) => Promise<Awaited<ReturnType<M[K]>>>
}

interface Question { id: number, method: string, args: never[] }
interface Answer { id: number, result?: unknown, error?: string }

export interface Child<M extends Methods> {
  /** Asks the child; rejects with what it threw, or when it ended. */
  ask: Remote<M>
  pid: number
  /** Ends the child, as it sees fit unless `kill` is given, and waits until it is gone. */
  stop: (options?: { kill?: boolean }) => Promise<void>
}

/** How long a child may take to end by itself when it is asked to. */
const STOP_MS = 10_000

/**
 * Starts a script of this folder in a process of its own.
 * @param script Name without extension; the script calls {@link serve}.
 * @param execPath The Node that runs it; this process's own unless given.
 */
export async function startChild<M extends Methods> (script: string, { execPath = process.execPath }: { execPath?: string } = {}): Promise<Child<M>> {
  const child = fork(join(import.meta.dirname, `${script}.js`), { execPath, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const waiting = new Map<number, { resolve: (value: unknown) => void, reject: (error: Error) => void }>()
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let nextId = 1
  child.on('message', ({ id, result, error }: Answer) => {
    const question = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) question?.resolve(result)
    else question?.reject(new Error(`${script}: ${error}`))
  })
  child.once('exit', (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`${script} ended with ${signal ?? code}`))
    waiting.clear()
  })
  await once(child, 'spawn')
  const call = async (method: string, args: never[]) => await new Promise((resolve, reject) => {
    const id = nextId++
    waiting.set(id, { resolve, reject })
    child.send({ id, method, args } satisfies Question)
  })
  return {
    ask: new Proxy({}, { get: (_target, method: string) => async (...args: never[]) => await call(method, args) }) as Remote<M>,
    pid: child.pid as number,
    stop: async ({ kill = false } = {}) => {
      if (kill) child.kill('SIGKILL')
      else if (child.connected) child.disconnect()
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      await exited
      clearTimeout(timer)
    }
  }
}

/**
 * Answers the parent's questions. When the parent disconnects, or dies, the process ends.
 * @param atEnd What is still to be closed then.
 */
export function serve (methods: Methods, atEnd: () => Promise<void> = async () => {}): void {
  process.on('message', ({ id, method, args }: Question) => {
    Promise.resolve().then(() => methods[method]?.(...args)).then(
      (result) => process.send?.({ id, result } satisfies Answer),
      (error: unknown) => process.send?.({ id, error: error instanceof Error ? error.stack ?? error.message : String(error) } satisfies Answer))
  })
  process.once('disconnect', () => {
    void atEnd().catch(() => {}).finally(() => process.exit(0))
  })
}
