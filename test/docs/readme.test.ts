import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { eventually } from '../helpers/eventually.js'
import { freePort, normalize, readBlocks, Terminal } from '../helpers/transcript.js'

let dataDir: string
const terminals = new Map<string, Terminal>()

beforeAll(() => { dataDir = mkdtempSync(join(tmpdir(), 'cscx-readme-')) })

afterAll(async () => {
  for (const name of ['receiver', '', 'server']) await terminals.get(name)?.close()
  rmSync(dataDir, { recursive: true, force: true })
})

test('the README\'s transcript happens as it is printed there', async () => {
  const [port, receiverPort] = [await freePort(), await freePort()]
  const here = (text: string) => text.replaceAll('3000', String(port)).replaceAll('4000', String(receiverPort))
  const shown = (text: string) => normalize(text.replaceAll(dataDir, '.data'))
  const expectedOf = (terminal: string) => readBlocks('README.md').filter((block) => block.terminal === terminal).flatMap(({ steps }) => steps.map(({ output }) => output)).join('\n')
  let secret = ''
  for (const { terminal, steps } of readBlocks('README.md')) {
    const shell = terminals.get(terminal) ?? new Terminal({ DATA_DIR: dataDir, PORT: String(port), LOG_LEVEL: 'error', PATH: [process.env['PATH'], join(__dirname, '../helpers/bin')].join(delimiter) })
    terminals.set(terminal, shell)
    for (const { command, output } of steps) {
      if (terminal === '') {
        const printed = await shell.run(here(command))
        secret = /whsec_[\w+/=]+/.exec(printed)?.[0] ?? secret
        expect(shown(printed)).toBe(normalize(output))
      } else {
        shell.type(here(command).replace(/whsec_\S+/, secret))
        // Servers print their first line when they are ready.
        await eventually(() => expect(shown(shell.printed())).toContain(normalize(output.split('\n')[0] ?? '')), 50_000)
      }
    }
  }
  for (const terminal of ['server', 'receiver']) {
    await eventually(() => expect(shown(terminals.get(terminal)!.printed())).toBe(normalize(expectedOf(terminal))))
  }
}, 120_000)
