import postgres from 'postgres'

export type DriverOptions = postgres.Options<Record<string, never>>

/**
 * A client of Postgres, which connects when it is first needed. The driver knows no Unix sockets in URLs; here they are
 * named as libpq names them (PostgreSQL documentation, "Connection URIs"): `postgres://user@/database?host=/run/postgresql`.
 * Such a socket spares a server on the same machine about a tenth of its work.
 */
export function openDriver (url: string, options: DriverOptions): postgres.Sql {
  const socket = socketOf(url)
  return socket ? postgres({ ...options, ...socket }) : postgres(url, options)
}

function socketOf (url: string): DriverOptions | undefined {
  // A URL parser takes no user without a host, so it is given one, which nobody uses.
  const text = url.replace(/^(postgres(?:ql)?:\/\/(?:[^/?#]*@)?)(?=[/:?])/, '$1socket')
  if (!URL.canParse(text)) return undefined
  const { username, password, port, pathname, searchParams } = new URL(text)
  const host = searchParams.get('host')
  if (!host?.startsWith('/')) return undefined
  const portNumber = Number(port || searchParams.get('port') || 5432)
  return {
    host,
    port: portNumber,
    ...(username !== '' && { username: decodeURIComponent(username) }),
    ...(password !== '' && { password: decodeURIComponent(password) }),
    ...(pathname.length > 1 && { database: decodeURIComponent(pathname.slice(1)) })
  }
}
