import type { Bundle, ZObject } from 'zapier-platform-core'

/**
 * Keeps error messages as they were written. Core would append the bundle and a log of requests to most of them
 * ("What happened: …"), but the bundle of a hook holds the webhook's secret, that of a token call its one-time code, and
 * people read these messages in their Zap history.
 */
export function withPlainErrors<B extends Bundle<any>, R> (perform: (z: ZObject, bundle: B) => R | Promise<R>): (z: ZObject, bundle: B) => Promise<R> {
  return async (z, bundle) => {
    try {
      return await perform(z, bundle)
    } catch (error) {
      // Core's own mark for errors that it leaves alone.
      throw Object.assign(error as Error, { doNotContextify: true })
    }
  }
}
