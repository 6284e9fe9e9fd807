import neostandard, { plugins } from 'neostandard'

const tseslint = plugins['typescript-eslint']

/** A relative import of one of the folders (or files) named. */
const within = (names, message) => ({ regex: `^(\\.{1,2}/)+(${names})(\\.js|/|$)`, message })
const domain = 'capture|outbound|inbound|auth|assistant'
const insides = { regex: `^(\\.{1,2}/)+(${domain})/(?!index\\.js$)`, message: 'Of another domain folder, import its index.js.' }

/** Files matching `files` may not import what the patterns match. Later entries replace earlier ones, so each is whole. */
const forbid = (files, ...patterns) => ({ files: [files], rules: { 'no-restricted-imports': ['error', { patterns }] } })

const upward = within('zapier-app|test', 'server/ never imports zapier-app/ or tests.')

export default [
  ...neostandard({ ts: true, ignores: ['**/dist/**', '.cache/**', 'zapier-app/build/**', 'node_modules/**'] }),
  forbid('shared/**/*.ts', within('server|zapier-app|templates|test', 'shared/ is the bottom layer.')),
  forbid('zapier-app/**/*.ts', within('server|templates|test', 'zapier-app/ reaches server/ over HTTP only.')),
  forbid('server/**/*.ts', upward, insides),
  forbid(`server/{${domain.replaceAll('|', ',')}}/**/*.ts`, upward, insides, within('routes|app|env|server|workers', 'Domain folders know nothing of HTTP, of the environment or of how they are put together.')),
  forbid('server/{cscx,db}/**/*.ts', upward, within(`routes|app|env|server|workers|${domain}`, 'cscx/ and db/ are below the domain folders.')),
  {
    files: ['shared/**/*.ts', 'server/**/*.ts', 'zapier-app/src/**/*.ts', 'test/**/*.ts'],
    languageOptions: { parser: tseslint.parser, parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // A zod schema and its type share a name on purpose; TypeScript itself refuses real redeclarations.
      '@typescript-eslint/no-redeclare': 'off',
      // `void promise` says that nobody waits, which no-floating-promises asks for.
      'no-void': ['error', { allowAsStatement: true }],
      // Flags that another task sets while the loop awaits.
      'no-unmodified-loop-condition': 'off',
      'max-lines': ['error', { max: 300 }],
      'max-depth': ['error', 3]
    }
  },
  {
    files: ['shared/**/*.ts', 'server/**/*.ts', 'zapier-app/src/**/*.ts'],
    rules: { 'max-lines-per-function': ['error', { max: 70, skipComments: true }] }
  }
]
