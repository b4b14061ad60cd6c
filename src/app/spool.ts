import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Bytes that were put aside in a file without a name, which ends with the process at the latest. */
export interface Spool {
  /** All of them, from the start, as often as they are wanted. */
  read(): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** Puts aside all that a source gives; only the disk is a limit. */
export async function spool(source: AsyncIterable<Uint8Array>): Promise<Spool> {
  const directory = await mkdtemp(join(tmpdir(), 'rosetta-gateway-'));
  const file = await open(join(directory, 'body'), 'wx+', 0o600).finally(() =>
    // The file stays for as long as it is open.
    rm(directory, { recursive: true }),
  );
  try {
    await writeFile(file, source);
  } catch (error) {
    await file.close();
    throw error;
  }
  return {
    read: () => file.createReadStream({ start: 0, autoClose: false }),
    close: () => file.close(),
  };
}
