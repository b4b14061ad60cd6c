import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UnreadBodyError } from '../rest/rest.ts';

/** Bytes that were put aside in a file without a name, which ends with the process at the latest. */
export interface Spool {
  /** All of them, from the start, as often as they are wanted; in the chunks in which they came. */
  read(): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** Bounds the bytes of several bodies together. */
export interface SpoolBound {
  /**
   * Hands on a body within its bound: 413 beyond what all may be together, 503 beyond what the others leave of that.
   * @param isKept whether it counts for the others, until it is given back.
   */
  share(isKept: boolean): {
    /** @throws UnreadBodyError beyond the bound. */
    of(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
    giveBack(): void;
  };
}

/** @param maxBytes how many bytes there may be at once. */
export function spoolBound(maxBytes: number): SpoolBound {
  let kept = 0;
  return {
    share(isKept) {
      let own = 0;
      return {
        async *of(body) {
          for await (const chunk of body) {
            const others = isKept ? kept - own : kept;
            own += chunk.length;
            if (isKept) kept += chunk.length;
            if (own > maxBytes) throw new UnreadBodyError(413);
            if (others + own > maxBytes) throw new UnreadBodyError(503);
            yield chunk;
          }
        },
        giveBack() {
          if (isKept) kept -= own;
          own = 0;
        },
      };
    },
  };
}

/** Puts aside all that a source gives; only the disk is a limit. */
export async function spool(source: AsyncIterable<Uint8Array>): Promise<Spool> {
  const directory = await mkdtemp(join(tmpdir(), 'rosetta-gateway-'));
  const file = await open(join(directory, 'body'), 'wx+', 0o600).finally(() =>
    // The file stays for as long as it is open.
    rm(directory, { recursive: true }),
  );
  const lengths: number[] = [];
  try {
    for await (const chunk of source) {
      await file.writeFile(chunk);
      lengths.push(chunk.length);
    }
  } catch (error) {
    await file.close();
    throw error;
  }
  return {
    async *read() {
      let position = 0;
      for (const length of lengths) {
        const { buffer } = await file.read(Buffer.alloc(length), 0, length, position);
        position += length;
        yield buffer;
      }
    },
    close: () => file.close(),
  };
}
