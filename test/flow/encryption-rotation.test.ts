import { createDatabase } from '../helpers/postgres.js'
import { Receiver, verify } from '../helpers/receiver.js'
import { apiClient, apiKey, startTestServer } from '../helpers/server.js'

test('a new encryption key takes over at the next start, and the old one may then go', async () => {
  const database = await createDatabase()
  const receiver = await Receiver.start()
  const [older, newer] = ['an older key of at least 32 characters', 'a newer key of at least 32 characters!']
  const key = async () => await apiKey(database.url, 'demo')
  const first = await startTestServer(database.url, { ENCRYPTION_KEY: older })
  const { body } = await apiClient(first.url, await key())<{ id: string, secret: string }>('POST', '/api/webhooks/outbound',
    { name: 'x', url: receiver.url('/hook'), events: ['task.created'], headers: { Authorization: 'Bearer sesame' } })
  await first.stop()

  await expect(startTestServer(database.url, { ENCRYPTION_KEY: newer })).rejects.toThrow(/ENCRYPTION_KEY/)
  await (await startTestServer(database.url, { ENCRYPTION_KEY: `${newer},${older}` })).stop()

  const last = await startTestServer(database.url, { ENCRYPTION_KEY: newer })
  await apiClient(last.url, await key())('POST', `/api/webhooks/outbound/${body.id}/test`, {})
  const [request] = await receiver.requests('/hook')
  verify(body.secret, request!)
  expect(request!.headers.authorization).toBe('Bearer sesame')
  await last.stop()
  await receiver.stop()
  await database.drop()
})
