const DEFAULT_API_URL = 'https://api.cscx.ai'

/** Where tokens are issued; see {@link apiUrl}. */
export const TOKEN_PATH = '/oauth/token'

/**
 * The address of a path of CSCX's API. The base is `CSCX_API_URL`, read at each call because Zapier sets the environment at run time.
 * @param path Begins with a slash.
 */
export function apiUrl (path: string): string {
  const base = process.env['CSCX_API_URL'] || DEFAULT_API_URL
  return base.replace(/\/+$/, '') + path
}

/** Whether a request goes to CSCX's API. The slash that ends the base keeps `api.cscx.ai.example.com` out. */
export function isApiUrl (url: string): boolean {
  return url.startsWith(apiUrl('/'))
}

/** Whether a request is a token call, which authenticates by client id and secret rather than by the access token. */
export function isTokenUrl (url: string): boolean {
  return url === apiUrl(TOKEN_PATH)
}
