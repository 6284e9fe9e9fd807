import neostandard, { plugins } from 'neostandard'

const tseslint = plugins['typescript-eslint']

/** Files matching `files` may not import from the folders named; `message` says why. */
const forbid = (files, folders, message) => ({
  files: [files],
  rules: { 'no-restricted-imports': ['error', { patterns: [{ regex: `^(\\.{1,2}/)+(${folders})(/|$)`, message }] }] }
})

const domain = 'capture|outbound|inbound|auth|assistant'

export default [
  ...neostandard({ ts: true, ignores: ['**/dist/**', 'dist.*/**', '.cache/**', 'zapier-app/build/**', 'node_modules/**'] }),
  forbid('shared/**/*.ts', 'server|zapier-app|templates|test', 'shared/ is the bottom layer.'),
  forbid('zapier-app/**/*.ts', 'server|templates|test', 'zapier-app/ reaches server/ over HTTP only.'),
  forbid('server/**/*.ts', 'zapier-app|test', 'server/ never imports zapier-app/.'),
  forbid('server/{capture,outbound,inbound,auth,assistant}/**/*.ts', 'zapier-app|test|routes|app|env', 'Domain folders know nothing of HTTP routes or the environment.'),
  forbid('server/{cscx,db}/**/*.ts', `zapier-app|test|routes|app|${domain}`, 'cscx/ and db/ are below the domain folders.'),
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
