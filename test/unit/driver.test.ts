import { openDriver } from '../../server/db/driver.js'
import { arrayText } from '../../server/db/array-text.js'

const optionsOf = (url: string) => {
  const { host, port, path, user, pass, database } = openDriver(url, { max: 1 }).options as unknown as Record<string, unknown>
  return { host, port, path, user, pass, database }
}

test.each([
  ['postgres://dana:p%40ss@/cscx?host=/run/postgresql', { path: '/run/postgresql/.s.PGSQL.5432', user: 'dana', pass: 'p@ss', database: 'cscx' }],
  ['postgresql:///cscx?host=/run/postgresql&port=5433', { path: '/run/postgresql/.s.PGSQL.5433', database: 'cscx' }],
  ['postgres://dana@localhost:5434/cscx?host=/tmp', { path: '/tmp/.s.PGSQL.5434', user: 'dana', database: 'cscx' }],
  ['postgres://dana:secret@db.example:5432/cscx', { path: false, host: ['db.example'], port: [5432], user: 'dana', pass: 'secret', database: 'cscx' }]
])('%s', (url, expected) => {
  expect(optionsOf(url)).toMatchObject(expected)
})

test('an array as text, as Postgres reads it', () => {
  expect(arrayText([])).toBe('{}')
  expect(arrayText([1, -2.5, Infinity, null])).toBe('{1,-2.5,Infinity,NULL}')
  expect(arrayText(['plain', '', 'NULL', 'a,b {c}', 'say "hi"', 'back\\slash', null])).toBe('{"plain","","NULL","a,b {c}","say \\"hi\\"","back\\\\slash",NULL}')
})
