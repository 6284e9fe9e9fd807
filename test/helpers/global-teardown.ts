import postgres from 'postgres'

/** Stops the cluster; on a server that is not ours, removes what we made there. */
export default async function globalTeardown (): Promise<void> {
  const cluster = globalThis.testCluster
  if (cluster === undefined) return
  if (cluster.stop !== null) return await cluster.stop()
  const admin = postgres(cluster.adminUrl, { max: 1 })
  await admin`DROP DATABASE IF EXISTS ${admin(cluster.template)} WITH (FORCE)`
  await admin.end()
}
