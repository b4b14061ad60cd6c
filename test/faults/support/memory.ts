import { readFile } from 'node:fs/promises';
import type { Program } from '../../support/process.ts';

/** What MemoryMax of the unit in ops/ leaves more than enough room for. */
export const MAX_MEMORY_MB = 1024;

/** Megabytes of memory that a process has. */
export async function memoryMb({ child }: Pick<Program, 'child'>): Promise<number> {
  const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) / 1024;
}
