import { createBrotliDecompress, createGunzip } from 'node:zlib';
import { PIECE_BYTES, stepper } from './pieces.ts';

/** The source cannot be opened or read; the message names it. */
export class SourceError extends Error {
  override name = 'SourceError';
}

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
  const { pieces, failure } = stepper(unpacker);
  let given = 0;
  try {
    for await (const chunk of packed) {
      given += chunk.length;
      yield* pieces((done) => unpacker.write(chunk, done));
      if (failure()) break;
    }
    // The last pieces come after it calls back.
    if (!unpacker.destroyed) yield* pieces(() => unpacker.end());
  } finally {
    unpacker.destroy();
  }
  // Gzip files may be filled up with zeros, and say themselves what else is wrong there.
  const hasRest = packing === 'br' && unpacker.bytesWritten < given;
  const reason = failure()?.message ?? (hasRest && 'data follows its end');
  if (reason) {
    const what = packing === 'br' ? 'Brotli' : 'gzip';
    const message = `${name} is a truncated or corrupt ${what} file: ${reason}.`;
    throw new SourceError(message, { cause: failure() });
  }
}
