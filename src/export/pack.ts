import { constants, createBrotliCompress, createGzip } from 'node:zlib';
import type { ExportPacking } from '../domain/exports.ts';
import { PIECE_BYTES, stepper } from '../import/pieces.ts';

/** Takes bytes, no faster than it can get rid of them. */
export interface Sink {
  write(bytes: Uint8Array): Promise<void>;
}

/** A sink that may hold bytes back. */
export interface PackedSink extends Sink {
  /** Hands on all that was written so far. */
  flush(): Promise<void>;
  /** Hands on the rest, and what ends it properly. */
  end(): Promise<void>;
  /** Frees what it needs; whatever was not handed on is lost. */
  close(): void;
}

/** Speed is what counts: more would take several times as long for a tenth less. */
const PACKERS = {
  gzip: () => createGzip({ chunkSize: PIECE_BYTES, level: 3 }),
  br: () =>
    createBrotliCompress({
      chunkSize: PIECE_BYTES,
      params: { [constants.BROTLI_PARAM_QUALITY]: 4 },
    }),
};

/** Packs what is written before it hands it on. */
export function packInto(sink: Sink, packing: ExportPacking | undefined): PackedSink {
  if (!packing) {
    const nothing = () => Promise.resolve();
    return { write: (bytes) => sink.write(bytes), flush: nothing, end: nothing, close: () => {} };
  }
  const packer = PACKERS[packing]();
  const { pieces, failure } = stepper(packer);
  const take = async (step: Parameters<typeof pieces>[0]) => {
    for await (const piece of pieces(step)) await sink.write(piece);
    const reason = failure();
    if (reason) throw reason;
  };
  return {
    write: (bytes) => take((done) => packer.write(bytes, done)),
    flush: () => take((done) => packer.flush(() => done())),
    // The last pieces come after it calls back, and before it closes.
    end: () => take(() => packer.end()),
    close: () => packer.destroy(),
  };
}
