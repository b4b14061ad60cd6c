import { demoFile } from '../app/demo.ts';

/** Writes simulated data as an import file to standard output. */
export async function runDemoData(options: { tasks: number; seed?: number }): Promise<number> {
  const { stdout } = process;
  let closed = false;
  let wake = () => {};
  stdout.on('drain', () => wake());
  // A reader that has seen enough (head, say) is no fault.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    closed = true;
    wake();
  });
  for (const chunk of demoFile(options)) {
    if (closed) break;
    if (!stdout.write(chunk)) await new Promise<void>((resolve) => (wake = resolve));
  }
  return 0;
}
