import nock from 'nock'

/** Where the app finds CSCX in these tests. Nothing listens there: nock answers, and refuses every other address. */
export const API = 'https://cscx.test'

/** Points the app at {@link API} for a test file, and ends each test with all expected calls made. */
export function useApi (): void {
  const before = { ...process.env }
  beforeAll(() => {
    Object.assign(process.env, { CSCX_API_URL: `${API}/`, CLIENT_ID: 'client-id', CLIENT_SECRET: 'client-secret' })
    nock.disableNetConnect()
  })
  afterEach(() => {
    const pending = nock.pendingMocks()
    nock.cleanAll()
    expect(pending).toEqual([])
  })
  afterAll(() => {
    process.env = before
    nock.enableNetConnect()
    nock.restore()
  })
}
