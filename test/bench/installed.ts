import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import type { ContenderName } from './contender.js'
import { PG_BOSS_FOLDER } from './contenders/pg-boss.js'
import { redisVersion } from './redis.js'

/** pg-boss, and a Node for it where ours is older than it wants. Not among the dependencies: `npm ci` would warn on Node 20. */
const PG_BOSS = { 'pg-boss': '12.38.0', node: '22.23.3' }
const PG_BOSS_NODE_MAJOR = 22

/** A contender that the bench can run here, or why it cannot. */
export type Availability = { name: ContenderName, version: string } | { name: ContenderName, missing: string }

/** The competitors, by what is installed. */
export function competitors (): Availability[] {
  const redis = redisVersion()
  return [
    { name: 'graphile-worker', version: dependencyVersion('graphile-worker') },
    hasPgBoss()
      ? { name: 'pg-boss', version: `${PG_BOSS['pg-boss']} on Node ${pgBossNodeVersion()}` }
      : { name: 'pg-boss', missing: 'not installed; `npm run bench -- --install` installs it, and the Node it needs, in .cache' },
    redis === undefined
      ? { name: 'bullmq', missing: 'there is no redis-server (Debian: apt-get install redis-server)' }
      : { name: 'bullmq', version: `${dependencyVersion('bullmq')}, Redis ${redis} with appendfsync always` }
  ]
}

function dependencyVersion (name: string): string {
  const path = createRequire(import.meta.url).resolve(name)
  const folder = path.slice(0, path.lastIndexOf(`node_modules/${name}/`) + `node_modules/${name}/`.length)
  return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version
}

function hasPgBoss (): boolean {
  return existsSync(join(PG_BOSS_FOLDER, 'node_modules/pg-boss/package.json'))
}

/** Installs pg-boss from the npm registry, unless it is there. @throws when it cannot be had. */
export function installPgBoss (): void {
  if (hasPgBoss()) return
  mkdirSync(PG_BOSS_FOLDER, { recursive: true })
  writeFileSync(join(PG_BOSS_FOLDER, 'package.json'), JSON.stringify({ private: true, dependencies: PG_BOSS, allowScripts: { node: true } }))
  const { status } = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: PG_BOSS_FOLDER, stdio: ['ignore', 'inherit', 'inherit'] })
  if (status !== 0) throw new Error('pg-boss could not be installed')
}

/** The Node that runs pg-boss: this one if it is new enough. */
export function pgBossNode (): string {
  return Number(process.versions.node.split('.')[0]) >= PG_BOSS_NODE_MAJOR ? process.execPath : resolve(PG_BOSS_FOLDER, 'node_modules/node/bin/node')
}

function pgBossNodeVersion (): string {
  return spawnSync(pgBossNode(), ['--version'], { encoding: 'utf8' }).stdout.trim().slice(1)
}
