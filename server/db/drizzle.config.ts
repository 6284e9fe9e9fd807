import { defineConfig } from 'drizzle-kit'

// Reads the build's JavaScript: drizzle-kit cannot resolve the .js specifiers of TypeScript sources.
export default defineConfig({
  dialect: 'postgresql',
  schema: './dist/server/db/schema/index.js',
  out: './server/db/migrations',
  schemaFilter: ['cscx_zapier']
})
