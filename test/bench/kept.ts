import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Runs a server ($1: scratch directory, the rest: its command) until standard input closes, then kills it and removes what it left. */
const KEEPER = `
scratch=$1; shift
"$@" >"$scratch/log" 2>&1 </dev/null &
cat >/dev/null
kill -QUIT $!; wait $!
cd / && rm -rf "$scratch"
`

/**
 * Starts a server whose data are not worth keeping. It ends, and its directory goes, when it is stopped or when this
 * process ends, however that happens.
 * @param scratch Its directory; what it prints goes to `log` in there.
 */
export function startKept (scratch: string, command: readonly string[], user?: { uid: number, gid: number }): { stop: () => Promise<void> } {
  // Detached: Ctrl-C in the terminal must reach us, and only through us the keeper.
  const keeper = spawn('/bin/sh', ['-c', KEEPER, 'keeper', scratch, ...command], { ...user, cwd: scratch, detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  const ended = once(keeper, 'exit')
  return {
    stop: async () => {
      keeper.stdin?.end()
      await ended
    }
  }
}
