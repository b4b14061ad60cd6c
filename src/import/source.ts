import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { SourceError, unpack } from './unpack.ts';

export { SourceError } from './unpack.ts';

/** What an import reads. */
export interface Source {
  /** The bytes, unpacked where the source is gzip. Breaks off with a `SourceError`. */
  readonly stream: AsyncIterable<Uint8Array>;
  /** Bytes of the file as it is stored; null where nobody knows, as with standard input. */
  readonly size: number | null;
  /** Bytes read so far, of those that `size` counts. */
  bytesRead(): number;
  /** Ends the reading, also of a source that has nothing to say at the moment. */
  close(): void;
}

const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a directory',
  EACCES: 'reading it is not permitted',
};

function unreadable(name: string, error: unknown): SourceError {
  const { code, message } = error as NodeJS.ErrnoException;
  const reason = REASONS[code ?? ''] ?? message;
  return new SourceError(`${name} cannot be read: ${reason}.`, { cause: error });
}

/** Puts what was read to have a look at back in front of the rest. */
async function* putBack(head: Uint8Array, rest: AsyncIterator<Uint8Array>) {
  if (head.length > 0) yield head;
  for (let step; !(step = await rest.next()).done;) yield step.value;
}

async function* readInput(input: Readable, name: string, count: (bytes: number) => void) {
  async function* read(): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of input as AsyncIterable<Buffer>) {
        count(chunk.length);
        yield chunk;
      }
    } catch (error) {
      throw unreadable(name, error);
    }
  }
  const chunks = read();
  let head = Buffer.alloc(0);
  while (head.length < GZIP_MAGIC.length) {
    const step = await chunks.next();
    if (step.done) break;
    head = Buffer.concat([head, step.value]);
  }
  const whole = putBack(head, chunks);
  const isGzip = head.subarray(0, GZIP_MAGIC.length).equals(GZIP_MAGIC);
  yield* isGzip ? unpack(whole, 'gzip', name) : whole;
}

async function openFile(path: string): Promise<{ input: Readable; size: number | null }> {
  const file = await open(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  const stat = await file.stat();
  if (stat.isDirectory()) {
    await file.close();
    throw new SourceError(`${path} cannot be read: it is a directory.`);
  }
  // A named pipe or a device has no size.
  return { input: file.createReadStream(), size: stat.isFile() ? stat.size : null };
}

/**
 * Opens a file, or standard input for `-`. Gzip is known by its first bytes, whatever the name.
 * @throws SourceError if there is no such file, or it is a directory.
 */
export async function openSource(path: string, stdin: Readable = process.stdin): Promise<Source> {
  const isStdin = path === '-';
  const { input, size } = isStdin ? { input: stdin, size: null } : await openFile(path);
  let read = 0;
  return {
    stream: readInput(input, isStdin ? 'standard input' : path, (bytes) => (read += bytes)),
    size,
    bytesRead: () => read,
    close: () => input.destroy(),
  };
}
