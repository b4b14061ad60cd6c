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

/**
 * No rows pack so well: simulated ones to a 16th by Brotli, those that differ in nothing but their ids to a 95th. Eighty bytes
 * can stand for 50 MB of lines, each of which would have to be looked at.
 */
const MAX_EXPANSION = 400;
/** What may come of any few bytes. */
const FREE_BYTES = 1_048_576;

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
  const { pieces, failure } = stepper(unpacker);
  let given = 0;
  let unpacked = 0;
  const isBomb = () => unpacked > FREE_BYTES + given * MAX_EXPANSION;
  /** Where the packed data end at the latest: a gzip file may be filled up with zeros. */
  let end = 0;
  try {
    for await (const chunk of packed) {
      const fill = packing === 'gzip' ? trailingZeros(chunk) : 0;
      if (fill < chunk.length) end = given + chunk.length - fill;
      given += chunk.length;
      if (unpacker.readableEnded) continue;
      for await (const piece of pieces((done) => unpacker.write(chunk, done))) {
        yield piece;
        unpacked += piece.length;
        if (isBomb()) break;
      }
      if (failure() || isBomb()) break;
    }
    // The last pieces come after it calls back.
    if (!unpacker.destroyed && !isBomb()) yield* pieces(() => unpacker.end());
  } finally {
    unpacker.destroy();
  }
  if (isBomb()) {
    throw new SourceError(
      `${name} unpacks to more than ${MAX_EXPANSION} times its size, as no rows do: send it unpacked.`,
    );
  }
  const hasRest = unpacker.bytesWritten < end;
  const reason = failure()?.message ?? (hasRest && 'data follows its end');
  if (reason) {
    const what = packing === 'br' ? 'Brotli' : 'gzip';
    const message = `${name} is a truncated or corrupt ${what} file: ${reason}.`;
    throw new SourceError(message, { cause: failure() });
  }
}
