import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { eventually } from './eventually.js'
import { ROOT } from './process.js'

/** A fenced block of the README that begins with ```console: commands after `$ `, and what they print. */
export interface Block {
  /** Which terminal it is typed into; empty for the main one. */
  terminal: string
  steps: Array<{ command: string, output: string }>
}

export function readBlocks (file: string): Block[] {
  const text = readFileSync(join(ROOT, file), 'utf8')
  return [...text.matchAll(/^```console ?(\w*)\n([^]*?)^```$/gm)].map(([, terminal = '', body = '']) => ({
    terminal,
    steps: body.split(/^\$ /m).slice(1).map((step) => {
      const [command = '', ...lines] = step.split('\n')
      return { command, output: lines.join('\n').trim() }
    })
  }))
}

/** Makes two runs comparable: ids, keys, secrets, signatures, times and ports differ from run to run. */
export function normalize (text: string): string {
  return text
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<id>')
    .replaceAll(/"id":"[0-9a-f]{8}"/g, '"id":"<signing key>"')
    .replaceAll(/cscx_live_\w{50}/g, '<key>')
    .replaceAll(/"origin_id":"\w{12}"/g, '"origin_id":"<key id>"')
    .replaceAll(/whsec_[\w+/=]+/g, '<secret>')
    .replaceAll(/sha256=[0-9a-f]{64}/g, '<signature>')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replaceAll(/(127\.0\.0\.1):\d+/g, '$1:<port>')
    .trim()
}

export async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** A terminal of its own: a shell in the repository's folder that keeps its variables between commands. */
export class Terminal {
  readonly #shell: ChildProcess
  #printed = ''

  constructor (variables: Record<string, string>) {
    const { DATABASE_URL: _unset, ...inherited } = process.env
    this.#shell = spawn('bash', ['--norc'], { cwd: ROOT, env: { ...inherited, ...variables }, stdio: ['pipe', 'pipe', 'inherit'], detached: true })
    this.#shell.stdout?.on('data', (chunk: Buffer) => { this.#printed += chunk.toString() })
  }

  /** Types a command without waiting for its end; {@link printed} shows what comes of it. */
  type (command: string): void {
    this.#shell.stdin?.write(`${command}\n`)
  }

  printed (): string {
    return this.#printed
  }

  /** Types a command and waits until it has ended. @returns what it printed. */
  async run (command: string): Promise<string> {
    this.#printed = ''
    this.type(`${command}\necho "<ended>"`)
    await eventually(() => expect(this.#printed).toContain('<ended>'), 30_000)
    return this.#printed.replace(/\n?<ended>\n/, '')
  }

  /** Ends the shell and what it started. */
  async close (): Promise<void> {
    if (this.#shell.exitCode !== null || this.#shell.signalCode !== null) return
    const exited = once(this.#shell, 'exit')
    process.kill(-(this.#shell.pid as number), 'SIGTERM')
    await exited
  }
}
