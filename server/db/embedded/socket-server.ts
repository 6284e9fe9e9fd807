import { createServer, type Server, type Socket } from 'node:net'
import { Arbiter, type Execute } from './arbiter.js'
import { ClientFramer } from './frames.js'

/** Far more than our own pools and a few tools need; connections above it are closed at once. */
const CLIENTS_MAX = 100

export interface SocketServer {
  close: () => Promise<void>
}

/*
 * The npm package pglite-socket does this too, but hands messages of several clients to the backend one by one, so that
 * one client's Bind meets another's Execute, and its queue stands still after an error.
 */

/** Serves a backend on a Unix socket, in Postgres' own protocol. @throws when the socket cannot be bound. */
export async function serveSocket (execute: Execute, path: string): Promise<SocketServer> {
  const arbiter = new Arbiter(execute)
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    converse(socket, arbiter)
  })
  server.maxConnections = CLIENTS_MAX
  await listen(server, path)
  return {
    close: async () => {
      await arbiter.stop()
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}

async function listen (server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function converse (socket: Socket, arbiter: Arbiter): void {
  const framer = new ClientFramer()
  const seat = arbiter.join({ write: (bytes) => { socket.write(bytes) }, end: () => { socket.destroy() } })
  socket.on('data', (chunk: Buffer) => {
    try {
      for (const message of framer.push(chunk)) {
        if (message.kind === 'refuse_encryption') socket.write('N')
        else if (message.kind === 'startup' || message.kind === 'typed') seat.send([message.bytes])
        else socket.end()
      }
    } catch {
      socket.destroy()
    }
  })
  // A client that vanishes is like one that says goodbye; 'close' follows.
  socket.on('error', () => {})
  socket.on('close', () => seat.leave())
}
