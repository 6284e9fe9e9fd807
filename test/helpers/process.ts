import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

export const ROOT = join(__dirname, '..', '..')

export interface ServerProcess {
  url: string
  pid: number
  /** Everything printed to stdout so far. */
  output: () => string
  /** Everything logged (stderr) so far. */
  errors: () => string
  /** Ends the process and waits until it is gone. @returns 0, or null when the signal ended it. @throws when it ended with an error. */
  kill: (signal: 'SIGTERM' | 'SIGKILL') => Promise<number | null>
}

/** Starts the built product as a process of its own and waits until it says where it listens. */
export async function startServerProcess (variables: Record<string, string>): Promise<ServerProcess> {
  const { DATABASE_URL: _unset, ...inherited } = process.env
  const child = spawn(process.execPath, [join(ROOT, 'dist/server/main.js')], {
    env: { ...inherited, PORT: '0', ALLOWED_SUBNETS: '127.0.0.0/8', ALLOW_HTTP: 'true', LOG_LEVEL: 'error', ...variables },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const { url, output, errors } = await banner(child)
  return {
    url,
    pid: child.pid as number,
    output,
    errors,
    kill: async (signal) => {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
      const exited = once(child, 'exit')
      child.kill(signal)
      const [code] = await exited as [number | null]
      if (code !== null && code !== 0) throw new Error(`The server ended with ${code}: ${errors()}`)
      return code
    }
  }
}

async function banner (child: ChildProcess): Promise<{ url: string, output: () => string, errors: () => string }> {
  let stdout = ''
  let stderr = ''
  child.stderr?.on('data', (chunk: Buffer) => { stderr += chunk.toString() })
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
      const match = /(http:\/\/\S+?)\s+\(API description.*\n/.exec(stdout)
      if (match) resolve(match[1] as string)
    })
    child.once('exit', (code) => reject(new Error(`The server ended with ${code}: ${stderr}`)))
  })
  return { url, output: () => stdout, errors: () => stderr }
}
