import type Docker from 'dockerode';
import type { Usage } from '../executor.ts';

/** What the engine's `stats` says, in the port's words; null for a container that does not run. */
export function usageOf(stats: Docker.ContainerStats): Usage | null {
  const { cpu_stats: cpu, memory_stats: memory, networks } = stats as Partial<Docker.ContainerStats>;
  if (memory?.usage === undefined || cpu === undefined) return null;
  // Pages of files that are cached and were not read lately: the kernel takes them back at will. By the cgroup's version.
  const details = (memory.stats ?? {}) as Partial<Record<string, number>>;
  const reclaimable = details['total_inactive_file'] ?? details['inactive_file'] ?? 0;
  const links = Object.values(networks ?? {}) as { rx_bytes: number; tx_bytes: number }[];
  return {
    at: new Date(stats.read),
    cpuMs: Math.round(cpu.cpu_usage.total_usage / 1e6),
    memoryBytes: Math.max(0, memory.usage - reclaimable),
    networkReceivedBytes: links.reduce((sum, { rx_bytes: bytes }) => sum + bytes, 0),
    networkSentBytes: links.reduce((sum, { tx_bytes: bytes }) => sum + bytes, 0),
  };
}
