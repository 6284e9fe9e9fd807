// Transpiles server/ and shared/ into dist/ file by file, so that stack traces, workers and paths keep their names.
// Types are checked by `npm run typecheck`; here only speed counts, since `npm start` runs this each time.
import { build } from 'esbuild'
import { cpSync, readdirSync, rmSync } from 'node:fs'

rmSync('dist', { recursive: true, force: true })
const sources = ['shared', 'server'].flatMap((folder) =>
  readdirSync(folder, { recursive: true }).map((name) => `${folder}/${name}`).filter((path) => path.endsWith('.ts')))
await build({
  entryPoints: sources,
  outdir: 'dist',
  outbase: '.',
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  logLevel: 'error'
})
cpSync('server/db/migrations', 'dist/server/db/migrations', { recursive: true })
