import { createBrotliDecompress, createGunzip } from 'node:zlib';

/** The source cannot be opened or read; the message names it. */
export class SourceError extends Error {
  override name = 'SourceError';
}

/** No less than a stream holds back by itself: an unpacker then waits for each piece to be taken before it goes on. */
const PIECE_BYTES = 65_536;

const FORMATS = {
  gzip: () => createGunzip({ chunkSize: PIECE_BYTES }),
  br: () => createBrotliDecompress({ chunkSize: PIECE_BYTES }),
};

export type Packing = keyof typeof FORMATS;

function trailingZeros(bytes: Uint8Array): number {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return bytes.length - end;
}

/**
 * Unpacks gzip, member after member, or Brotli. All that could be unpacked is given before an error is thrown, and no more
 * than a piece is held: a few bytes can stand for gigabytes.
 */
export async function* unpack(
  packed: AsyncIterable<Uint8Array>,
  packing: Packing,
  name: string,
): AsyncGenerator<Uint8Array> {
  const unpacker = FORMATS[packing]();
  let failure: Error | undefined;
  let wake = () => {};
  unpacker.on('error', (error) => (failure = error));
  for (const event of ['readable', 'close']) unpacker.on(event, () => wake());
  /** What comes out of a step, until it calls back, or the unpacker is closed: it then need not call back. */
  async function* piecesOf(
    step: (done: (error?: Error | null) => void) => void,
  ): AsyncGenerator<Buffer> {
    let isDone = false;
    step((error) => {
      failure ??= error ?? undefined;
      isDone = true;
      wake();
    });
    for (;;) {
      const piece = unpacker.read() as Buffer | null;
      if (piece) yield piece;
      else if (isDone || unpacker.destroyed) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  let given = 0;
  /** Where the packed data end at the latest: a gzip file may be filled up with zeros. */
  let end = 0;
  try {
    for await (const chunk of packed) {
      const fill = packing === 'gzip' ? trailingZeros(chunk) : 0;
      if (fill < chunk.length) end = given + chunk.length - fill;
      given += chunk.length;
      if (unpacker.readableEnded) continue;
      yield* piecesOf((done) => unpacker.write(chunk, done));
      if (failure) break;
    }
    // The last pieces come after it calls back.
    if (!unpacker.destroyed) yield* piecesOf(() => unpacker.end());
  } finally {
    unpacker.destroy();
  }
  const hasRest = unpacker.bytesWritten < end;
  const reason = failure?.message ?? (hasRest && 'data follows its end');
  if (reason) {
    const what = packing === 'br' ? 'Brotli' : 'gzip';
    const message = `${name} is a truncated or corrupt ${what} file: ${reason}.`;
    throw new SourceError(message, { cause: failure });
  }
}
