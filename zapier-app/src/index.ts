import { defineApp, version as platformVersion } from 'zapier-platform-core'
import packageJson from '../package.json' with { type: 'json' }
import { authentication } from './authentication.js'
import { creates } from './creates.js'
import { authorize, explainErrors } from './middleware.js'
import { triggers } from './triggers.js'

/** The app as Zapier loads it: everything but authentication and errors is derived from the catalogue in `shared/`. */
export const app = defineApp({
  version: packageJson.version,
  platformVersion,
  authentication,
  beforeRequest: [authorize],
  afterResponse: [explainErrors],
  triggers,
  creates,
  flags: {
    // Empty values are dropped by toRequestInput, which knows the fields; Zapier's own cleaning would do it blindly.
    cleanInputData: false,
    // Every call goes through z.request, which logs it. Core's patch of node:http would log nothing more, and loses the
    // options of http.request(url, options, callback).
    skipHttpPatch: true
  }
})

// Zapier's tools read a default export first, and would otherwise take every named export for a part of the app.
export { app as default }
