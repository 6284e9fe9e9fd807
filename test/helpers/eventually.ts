const INTERVAL_MS = 20

/** Runs the check until it passes; after the bound, its last failure is the test's. */
export async function eventually<T> (check: () => T | Promise<T>, boundMs = 20_000): Promise<T> {
  const until = Date.now() + boundMs
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (Date.now() > until) throw error
      await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS))
    }
  }
}
