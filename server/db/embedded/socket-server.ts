import { chmodSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { Arbiter, type Execute } from './arbiter.js'
import type { Client, Session } from './session.js'
import { answerStartup, startupPacket } from './startup.js'
import { errorResponse, MessageReader, ProtocolError, type Message } from './wire.js'

/*
 * The npm package @electric-sql/pglite-socket serves PGlite too, but hands the extended-protocol messages of several
 * clients to the backend as they come, so that one client's Bind meets another's Execute, and its queue stands still
 * after an error.
 */

/** Far more than our own pools and a few tools need. */
const CLIENTS_MAX = 100
/** How long a client may take to introduce itself. */
const STARTUP_TIMEOUT_MS = 10_000
/** How long a client may take to read why it is disconnected. */
const FAREWELL_MS = 1_000
/** How long closing waits for clients to leave by themselves. */
const GUESTS_MS = 2_000
/** Above this many bytes of waiting messages, no more are read from a client. */
const PENDING_MAX_BYTES = 1024 * 1024
/** Above this many bytes of unread output, a client gets no more until it reads. */
const UNREAD_MAX_BYTES = 1024 * 1024

export interface SocketServer {
  close: () => Promise<void>
}

/**
 * Serves a backend on a Unix socket, in Postgres' own protocol.
 *
 * @param onFailure Called when the backend fails; nothing is executed from then on.
 * @throws when the socket cannot be bound.
 */
export async function serveSocket (execute: Execute, path: string, onFailure: (error: unknown) => void): Promise<SocketServer> {
  const greeting = await execute(startupPacket())
  const arbiter = new Arbiter(execute, onFailure)
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    // A client that vanishes is like one that says goodbye; 'close' follows.
    socket.on('error', () => {})
    if (sockets.size >= CLIENTS_MAX) return expel(socket, '53300', `there are ${CLIENTS_MAX} connections already`)
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    converse(socket, arbiter, greeting)
  })
  await listen(server, path)
  return {
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      // Commands of other processes are done in a moment; let them.
      await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, GUESTS_MS).unref())])
      await arbiter.stop()
      for (const socket of sockets) expel(socket, '57P01', 'the database is shutting down')
      await closed
    }
  }
}

async function listen (server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      // There is no authentication: only our own user may connect.
      chmodSync(path, 0o600)
      resolve()
    })
  })
}

/** Says why, and disconnects. */
function expel (socket: Socket, code: string, reason: string): void {
  if (!socket.writable) return
  socket.write(errorResponse('FATAL', code, reason))
  socket.destroySoon()
  // Others may be waiting for what this client holds, so whoever does not read its last message is cut off.
  setTimeout(() => socket.destroy(), FAREWELL_MS).unref()
}

function converse (socket: Socket, arbiter: Arbiter, greeting: Buffer): void {
  const reader = new MessageReader()
  let session: Session | null = null
  const client: Client = {
    write: (output) => { socket.write(output) },
    expel: (code, reason) => expel(socket, code, reason),
    isCongested: () => socket.writableLength > UNREAD_MAX_BYTES,
    relieve: () => { if (session !== null && session.pendingBytes <= PENDING_MAX_BYTES) socket.resume() }
  }

  const start = (first: Message) => {
    const step = answerStartup(first, greeting)
    if (step === 'close') return socket.destroy()
    socket.write(step.reply)
    if (!step.isStarted) return
    socket.setTimeout(0)
    session = arbiter.join(client)
  }
  const next = () => socket.writable ? reader.next(session === null ? 'startup' : 'typed') : null
  const take = () => {
    for (let message = next(); message !== null; message = next()) {
      if (session === null) start(message)
      else if (message.type === 'X') socket.end()
      else arbiter.submit(session, message)
    }
    if (session !== null && session.pendingBytes > PENDING_MAX_BYTES) socket.pause()
  }

  socket.setTimeout(STARTUP_TIMEOUT_MS, () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    reader.push(chunk)
    try {
      take()
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      expel(socket, '08P01', error.message)
    }
  })
  socket.on('drain', () => { if (session !== null) arbiter.wake(session) })
  socket.on('close', () => { if (session !== null) arbiter.leave(session) })
}
