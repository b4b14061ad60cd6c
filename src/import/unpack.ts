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
  try {
    for await (const chunk of packed) {
      given += chunk.length;
      yield* piecesOf((done) => unpacker.write(chunk, done));
      if (failure) break;
    }
    // The last pieces come after it calls back.
    if (!unpacker.destroyed) yield* piecesOf(() => unpacker.end());
  } finally {
    unpacker.destroy();
  }
  // Gzip files may be filled up with zeros, and say themselves what else is wrong there.
  const hasRest = packing === 'br' && unpacker.bytesWritten < given;
  const reason = failure?.message ?? (hasRest && 'data follows its end');
  if (reason) {
    const what = packing === 'br' ? 'Brotli' : 'gzip';
    const message = `${name} is a truncated or corrupt ${what} file: ${reason}.`;
    throw new SourceError(message, { cause: failure });
  }
}
