// Transpiles server/, shared/ and the benchmarks file by file, so that stack traces, workers and paths keep their names.
// Types are checked by `npm run typecheck`; here only speed counts, since `npm start` runs this each time. A build is
// named after what it is made from and never changes; `dist` is a link to the latest. So nothing is built twice, commands
// may build at the same time, and a running server keeps the files that it was started from.
import { build } from 'esbuild'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, utimesSync } from 'node:fs'

const BUILDS = '.cache/build'
const BUILDS_KEPT = 5

const files = ['shared', 'server', 'test/bench']
  .flatMap((folder) => readdirSync(folder, { recursive: true }).map((name) => `${folder}/${name}`))
  .filter((path) => /\.(ts|sql|json)$/.test(path) && !path.endsWith('tsconfig.json'))
  .sort()
const states = ['build.mjs', 'package-lock.json', ...files].map((path) => {
  const { mtimeMs, size } = statSync(path)
  return `${path} ${mtimeMs} ${size}`
})
const stamp = createHash('sha256').update([process.version, ...states].join('\n')).digest('hex').slice(0, 16)
const target = `${BUILDS}/${stamp}`

async function transpile () {
  const fresh = `${BUILDS}/.${process.pid}`
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
  try {
    renameSync(fresh, target)
  } catch (error) {
    // Another command has made the same build meanwhile.
    rmSync(fresh, { recursive: true, force: true })
    if (!existsSync(target)) throw error
  }
}

/** Points `dist` at the build, in one step. */
function link () {
  const fresh = `dist.${process.pid}`
  if (lstatSync('dist', { throwIfNoEntry: false })?.isDirectory()) rmSync('dist', { recursive: true, force: true })
  symlinkSync(target, fresh)
  renameSync(fresh, 'dist')
}

function removeOldBuilds () {
  const byAge = readdirSync(BUILDS).map((name) => `${BUILDS}/${name}`).sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)
  for (const path of byAge.slice(BUILDS_KEPT)) rmSync(path, { recursive: true, force: true })
}

mkdirSync(BUILDS, { recursive: true })
if (!existsSync(target)) await transpile()
utimesSync(target, new Date(), new Date())
link()
removeOldBuilds()
