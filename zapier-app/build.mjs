// Bundles the app with the parts of shared/ that it uses: Zapier packs this folder alone.
import { build } from 'esbuild'
import { readFileSync, rmSync } from 'node:fs'

const folder = import.meta.dirname

/**
 * `import { z } from 'zod'` takes the whole library along, every language of its messages included (about 760 KB);
 * as a namespace import esbuild keeps only what is used (about 190 KB).
 */
const slimZod = {
  name: 'slim-zod',
  setup ({ onLoad }) {
    onLoad({ filter: /[\\/](shared|src)[\\/].*\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replace(/^import \{ z \} from 'zod'$/m, "import * as z from 'zod'"),
      loader: 'ts'
    }))
  }
}

rmSync(`${folder}/dist`, { recursive: true, force: true })
const { metafile } = await build({
  absWorkingDir: folder,
  entryPoints: ['src/index.ts'],
  outfile: 'dist/index.js',
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'esm',
  external: ['zapier-platform-core'],
  plugins: [slimZod],
  metafile: true,
  logLevel: 'warning'
})
console.log(`dist/index.js: ${Math.round(metafile.outputs['dist/index.js'].bytes / 1024)} KB`)
