import { once } from 'node:events';
import { demoFile } from '../app/demo.ts';

/** Writes simulated data as an import file to standard output. */
export async function runDemoData(options: { tasks: number; seed?: number }): Promise<number> {
  const { stdout } = process;
  // A reader that has seen enough (head, say) is no fault.
  let closed = false;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    closed = true;
  });
  for (const chunk of demoFile(options)) {
    if (closed) break;
    if (!stdout.write(chunk)) await Promise.race([once(stdout, 'drain'), once(stdout, 'close')]);
  }
  return 0;
}
