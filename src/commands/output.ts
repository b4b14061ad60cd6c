import { open } from 'node:fs/promises';
import type { Sink } from '../export/pack.ts';

/** Where a command writes what it makes. */
export interface Output extends Sink {
  close(): Promise<void>;
}

/** The reader of standard output has seen enough. */
export class PipeClosedError extends Error {
  override name = 'PipeClosedError';
}

function standardOutput(): Output {
  const { stdout } = process;
  // Told to the write that it befell, too.
  stdout.on('error', () => undefined);
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        stdout.write(bytes, (error) => {
          if (!error) resolve();
          else if ((error as NodeJS.ErrnoException).code !== 'EPIPE') reject(error);
          else reject(new PipeClosedError('The reader has gone.'));
        });
      }),
    close: () => Promise.resolve(),
  };
}

/**
 * Opens a file to be written anew, or standard output for `-`.
 * @throws what the system says where it cannot be written.
 */
export async function openOutput(path: string): Promise<Output> {
  if (path === '-') return standardOutput();
  const file = await open(path, 'w');
  return { write: (bytes) => file.writeFile(bytes), close: () => file.close() };
}
