import { checkedValues, commonValues } from '../../server/cscx/check-values.js'

test.each([
  ["CHECK ((type = ANY (ARRAY['email'::text, 'call'::text])))", 'type', ['email', 'call']],
  ["CHECK (((priority)::text = ANY ((ARRAY['Low'::character varying, 'High'::character varying])::text[])))", 'priority', ['Low', 'High']],
  ["CHECK (((source IS NULL) OR (source = ANY (ARRAY['a'::text, 'b'::text]))))", 'source', ['a', 'b']],
  ["CHECK (((status = 'x'::text) OR (status = 'y'::text)))", 'status', ['x', 'y']],
  ["CHECK ((lower(status) = 'x'::text))", 'status', ['x']],
  ["CHECK ((\"the Type\" = ANY (ARRAY['it''s'::text, 'a = b'::text])))", 'the Type', ["it's", 'a = b']],
  ["CHECK ((VALUE = ANY (ARRAY['a'::text])))", 'status', ['a']]
])('%s lists values', (definition, column, expected) => {
  expect(checkedValues(definition, column)).toEqual(expected)
})

test.each([
  'CHECK (((overall >= 0) AND (overall <= 100)))',
  "CHECK ((status <> 'x'::text))",
  "CHECK ((status <> ALL (ARRAY['x'::text])))",
  "CHECK ((NOT (status = 'x'::text)))",
  "CHECK ((status ~ '^x'::text))",
  "CHECK ((status ~~ 'x%'::text))",
  "CHECK (((status = 'x'::text) OR is_open))",
  "CHECK ((length(status) = 3) OR (status = 'x'::text))",
  'CHECK ((status = ANY (ARRAY[1, 2])))',
  'CHECK (is_open)'
])('%s does not', (definition) => {
  expect(checkedValues(definition, 'status')).toBeNull()
})

test('several lists leave what is in all of them', () => {
  expect(commonValues([null, ['a', 'b', 'c'], null, ['c', 'b']])).toEqual(['b', 'c'])
  expect(commonValues([null, null])).toBeNull()
  expect(commonValues([])).toBeNull()
})
