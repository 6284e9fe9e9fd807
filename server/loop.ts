/** A piece of work that repeats: at once while there is more to do, when woken, and otherwise after a pause. */
export interface Loop {
  /** Ends the current pause. */
  wake: () => void
  /** Lets the current round finish, then ends. */
  stop: () => Promise<void>
}

interface LoopOptions {
  /** One round. @returns true when there is more to do at once. */
  run: () => Promise<boolean>
  /** The longest pause between rounds, in milliseconds. */
  pauseMs: number
  onError: (error: unknown) => void
}

/** After a failed round: long enough for a database that restarts not to be flooded. */
const PAUSE_AFTER_ERROR_MS = 1_000

/** Starts a loop. A round that throws is reported, and followed by a pause that nothing shortens but `stop`. */
export function startLoop ({ run, pauseMs, onError }: LoopOptions): Loop {
  let stopping = false
  let woken = false
  let endPause = () => {}

  const pause = async (ms: number) => await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms)
    endPause = () => {
      clearTimeout(timer)
      resolve()
    }
  })

  const rounds = async () => {
    while (!stopping) {
      woken = false
      try {
        const more = await run()
        if (!more && !woken && !stopping) await pause(pauseMs)
      } catch (error) {
        onError(error)
        const until = performance.now() + PAUSE_AFTER_ERROR_MS
        for (let left = PAUSE_AFTER_ERROR_MS; left > 0 && !stopping; left = until - performance.now()) await pause(left)
      }
    }
  }

  const ended = rounds()
  const wake = () => {
    woken = true
    endPause()
  }
  return {
    wake,
    stop: async () => {
      stopping = true
      wake()
      await ended
    }
  }
}
