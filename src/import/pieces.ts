import type { Transform } from 'node:stream';

/** No less than a stream holds back by itself: a packer then waits for each piece to be taken before it goes on. */
export const PIECE_BYTES = 65_536;

/** A step of packing or unpacking, which calls back when it is done. */
type Step = (done: (error?: Error | null) => void) => void;

/** A packer or unpacker, taken step by step: no more than a piece of what comes out is held. */
export interface Stepper {
  /** What comes out of a step, until it calls back, or the stream is closed: it then need not call back. */
  readonly pieces: (step: Step) => AsyncGenerator<Buffer>;
  /** What went wrong so far; all that came out before is given first. */
  readonly failure: () => Error | undefined;
}

export function stepper(stream: Transform): Stepper {
  let failure: Error | undefined;
  let wake = () => {};
  stream.on('error', (error) => (failure = error));
  for (const event of ['readable', 'close']) stream.on(event, () => wake());
  return {
    async *pieces(step) {
      let isDone = false;
      step((error) => {
        failure ??= error ?? undefined;
        isDone = true;
        wake();
      });
      for (;;) {
        const piece = stream.read() as Buffer | null;
        if (piece) yield piece;
        else if (isDone || stream.destroyed) return;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    failure: () => failure,
  };
}
