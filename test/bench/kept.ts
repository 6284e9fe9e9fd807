import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Runs a server ($1: scratch directory, $2: the signal that ends it, the rest: its command) until standard input closes, then ends it and removes what it left. */
const KEEPER = `
scratch=$1; signal=$2; shift 2
"$@" >"$scratch/log" 2>&1 </dev/null &
cat >/dev/null
kill -$signal $!; wait $!
cd / && rm -rf "$scratch"
`

/**
 * Starts a server whose data are not worth keeping. It ends, and its directory goes, when it is stopped or when this
 * process ends, however that happens.
 * @param scratch Its directory; what it prints goes to `log` in there.
 * @param signal What ends it fastest. It starts with SIGQUIT and SIGINT ignored, as shells start what runs in the background.
 */
export function startKept (scratch: string, signal: 'QUIT' | 'TERM', command: readonly string[], user?: { uid: number, gid: number }): { stop: () => Promise<void> } {
  // Detached: Ctrl-C in the terminal must reach us, and only through us the keeper.
  const keeper = spawn('/bin/sh', ['-c', KEEPER, 'keeper', scratch, signal, ...command], { ...user, cwd: scratch, detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  const ended = once(keeper, 'exit')
  return {
    stop: async () => {
      keeper.stdin?.end()
      await ended
    }
  }
}
