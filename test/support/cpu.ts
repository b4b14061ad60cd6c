import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Milliseconds of the processor that something takes in this process: unlike the clock's, the same on a busy machine. */
export async function cpuMs(run: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Seconds of the processor that another process has taken so far. */
export async function cpuSecondsOf(pid: number): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'time=', '-p', String(pid)]);
  const [seconds = 0, minutes = 0, hours = 0] = stdout.trim().split(':').map(Number).reverse();
  return seconds + 60 * (minutes + 60 * hours);
}
