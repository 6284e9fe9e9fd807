// Transpiles server/ and shared/ into dist/ file by file, so that stack traces, workers and paths keep their names.
// Types are checked by `npm run typecheck`; here only speed counts, since `npm start` runs this each time: when nothing
// has changed it does nothing, and a new build replaces the old one in one step, under processes that use it.
import { build } from 'esbuild'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'

const files = ['shared', 'server']
  .flatMap((folder) => readdirSync(folder, { recursive: true }).map((name) => `${folder}/${name}`))
  .filter((path) => /\.(ts|sql|json)$/.test(path) && !path.endsWith('tsconfig.json'))
  .sort()
const states = ['build.mjs', 'package-lock.json', ...files].map((path) => {
  const { mtimeMs, size } = statSync(path)
  return `${path} ${mtimeMs} ${size}`
})
const stamp = createHash('sha256').update([process.version, ...states].join('\n')).digest('hex')

if (!existsSync('dist/.stamp') || readFileSync('dist/.stamp', 'utf8') !== stamp) {
  const fresh = `dist.${process.pid}`
  const old = `${fresh}.old`
  await build({
    entryPoints: files.filter((path) => path.endsWith('.ts')),
    outdir: fresh,
    outbase: '.',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: true,
    logLevel: 'error'
  })
  for (const path of files) if (!path.endsWith('.ts')) cpSync(path, `${fresh}/${path}`)
  writeFileSync(`${fresh}/.stamp`, stamp)
  if (existsSync('dist')) renameSync('dist', old)
  renameSync(fresh, 'dist')
  rmSync(old, { recursive: true, force: true })
}
