import { Frames } from './frames.ts';
import { readLines } from './lines.ts';
import { parseLine } from './parse.ts';
import { Rejection, type LineProblem } from './problem.ts';
import type { Line } from './tables.ts';

/** Lines that are written in one transaction. */
export interface Batch {
  /** In the order of the source: what is to be written, and what was rejected while it was read. */
  readonly entries: readonly (Line | LineProblem)[];
  /** Bytes of the source, unpacked, up to the end of this batch. */
  readonly bytesRead: number;
}

export interface BatchOptions {
  maxLines: number;
  ignoreUnknown: boolean;
}

/** A batch of very long lines ends before it has its number of lines. */
const MAX_BATCH_BYTES = 4 * 1_048_576;

/**
 * Reads the source into batches. Where it breaks off, the complete lines before are still a batch, and only then the
 * error is thrown.
 */
export async function* readBatches(
  source: AsyncIterable<Uint8Array>,
  { maxLines, ignoreUnknown }: BatchOptions,
): AsyncGenerator<Batch> {
  let entries: (Line | LineProblem)[] = [];
  let bytes = 0;
  let bytesRead = 0;
  let failure: { reason: unknown } | undefined;
  const frames = new Frames();
  let lastLine = 0;
  const groups = readLines(source);
  for (;;) {
    const group = await groups.next().catch((reason: unknown) => {
      failure = { reason };
      return undefined;
    });
    if (!group || group.done) break;
    for (const line of group.value) {
      const entry =
        line.text instanceof Rejection
          ? line.text.at(line.number, null)
          : parseLine(line.number, line.text, ignoreUnknown);
      lastLine = line.number;
      if ('frame' in entry) {
        const problem = frames.check(entry);
        if (problem) entries.push(problem.at(line.number, null));
      } else {
        frames.note(entry);
        entries.push(entry);
      }
      bytes += line.bytes + 1;
      if (entries.length >= maxLines || bytes >= MAX_BATCH_BYTES) {
        bytesRead += bytes;
        yield { entries, bytesRead };
        entries = [];
        bytes = 0;
      }
    }
  }
  const cut = failure ? undefined : frames.finish();
  if (cut) entries.push(cut.at(lastLine, null));
  if (entries.length > 0) yield { entries, bytesRead: bytesRead + bytes };
  if (failure) throw failure.reason;
}
