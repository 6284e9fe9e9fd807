import { readFileSync } from 'node:fs'

/** The most memory that a process has had resident so far, in MB (Linux: VmHWM of proc_pid_status(5)). */
export function peakMemoryMb (pid: number): number {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kilobytes) / 1024
}
