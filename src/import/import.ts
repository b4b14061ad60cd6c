import type { Database } from '../database/database.ts';
import { serverErrorOf } from '../database/errors.ts';
import { inTransaction } from '../database/writing.ts';
import { ENTITY_TYPES } from '../domain/entities.ts';
import { readBatches, type Batch } from './batches.ts';
import { analyze } from './sql.ts';
import {
  addOutcomes,
  emptySummary,
  undoneSummary,
  type ImportSummary,
  type Listeners,
} from './summary.ts';
import { inRetriedTransaction } from './transaction.ts';
import { writeBatch, type Outcome } from './write.ts';

export type { LineProblem, ProblemCode } from './problem.ts';
export type { ImportSummary, TypeSummary } from './summary.ts';

export interface ImportOptions extends Listeners {
  /** Takes a line without the fields its type does not have, which reject it otherwise. */
  ignoreUnknown?: boolean;
  /**
   * One transaction for everything: an error, an interruption or a rejected line leaves nothing behind. Nothing is
   * retried then.
   */
  atomic?: boolean;
  /** The campaigns that exist for whoever imports; absent: all. */
  campaigns?: readonly string[] | undefined;
  /** Called after each batch: lines dealt with, and bytes of the source, unpacked, so far. */
  onProgress?: (progress: { lines: number; bytes: number }) => void;
  /** Called with what was done so far, once it cannot be undone any more. */
  onCommitted?: (summary: ImportSummary) => void;
  /** Stops the import after the batch under way. */
  signal?: AbortSignal;
  /** Lines in one transaction; absent: few enough that others are answered meanwhile. */
  batchLines?: number;
}

/** The source or the database failed. What was committed before stays, and running the import again completes it. */
export class ImportError extends Error {
  override name = 'ImportError';

  constructor(
    cause: unknown,
    /** What was done before. */
    readonly summary: ImportSummary,
  ) {
    const server = serverErrorOf(cause);
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(server ? `The database failed: ${server.message} (${server.code}).` : reason, { cause });
  }
}

/** Undoes an atomic import; `summary` is what it comes to. */
class Undone extends Error {
  constructor(readonly summary: ImportSummary) {
    super('undone');
  }
}

/** More would be faster, but others would wait longer: for locks, and for the process, which decides about all at once. */
const BATCH_LINES = 500;
/**
 * After more new rows than this the planner gets a new picture of the tables. Without one it may take seconds for what
 * takes milliseconds, on small tables too; the embedded database never makes one by itself.
 */
const MANY_ROWS = 100;

/**
 * Waits for a step, but not beyond the signal: a source that has nothing to say (a terminal, a pipe) must not hold up an
 * interruption. Not a Promise.race with the signal, which would keep every batch until the end.
 */
function unlessAborted<T extends IteratorResult<unknown>>(
  step: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T | 'aborted'> {
  return new Promise((resolve, reject) => {
    const onAbort = () => resolve('aborted');
    signal?.addEventListener('abort', onAbort, { once: true });
    // A signal that came earlier gives way to a step that is there already.
    if (signal?.aborted) setImmediate(onAbort);
    step
      .then((result) => resolve(signal?.aborted && !result.done ? 'aborted' : result), reject)
      .finally(() => signal?.removeEventListener('abort', onAbort));
  });
}

/**
 * Hands batches to `write` one after the other. While one is written, the next is read: from the moment at which the server
 * has much to do, so that what comes before does not wait for lines to be parsed.
 * @param write is to call `readOn` at that moment.
 * @returns whether the signal came before the end.
 */
async function writeInTurn(
  batches: AsyncGenerator<Batch>,
  write: (batch: Batch, readOn: () => void) => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  let next: Promise<IteratorResult<Batch, void>> | undefined;
  const readNext = () => {
    next ??= batches.next();
    // It is awaited later; until then a failure is not unhandled.
    next.catch(() => {});
    return next;
  };
  try {
    for (;;) {
      const step = await unlessAborted(readNext(), signal);
      if (step === 'aborted') return true;
      if (step.done) return false;
      next = undefined;
      // What the server is to do has been sent when the event loop comes round.
      await write(step.value, () => setImmediate(() => void readNext()));
    }
  } finally {
    // Not awaited: it takes effect when the read under way ends, which may be never.
    batches.return(undefined).catch(() => {});
  }
}

/** Tells the planner about many new rows. */
export async function analyzeAfter(
  { prisma }: Pick<Database, 'prisma'>,
  summary: ImportSummary,
): Promise<void> {
  const written = ENTITY_TYPES.map((type) => ({
    type,
    rows: summary.types[type].created + summary.types[type].updated,
  })).filter(({ rows }) => rows > 0);
  if (written.reduce((sum, { rows }) => sum + rows, 0) <= MANY_ROWS) return;
  await analyze(
    prisma,
    written.map(({ type }) => type),
  );
}

/**
 * Imports NDJSON: one entity a line, in the order in which they refer to each other. A bad line is rejected and told to
 * `onRejected`; the rest goes on. Problems are told in the order of the lines, once their batch is committed.
 * @param source the bytes, in chunks of any size.
 * @throws ImportError if the source or the database fails; its `cause` is what they threw.
 */
export async function importLines(
  database: Pick<Database, 'prisma'>,
  source: AsyncIterable<Uint8Array>,
  options: ImportOptions = {},
): Promise<ImportSummary> {
  const { ignoreUnknown = false, atomic = false, campaigns } = options;
  const { signal, batchLines = BATCH_LINES } = options;
  const importTime = new Date().toISOString();
  const summary = emptySummary();
  const batches = readBatches(source, { maxLines: batchLines, ignoreUnknown });
  const tell = (batch: Batch, outcomes: Outcome[]) => {
    addOutcomes(summary, outcomes, options);
    options.onProgress?.({ lines: summary.lines, bytes: batch.bytesRead });
  };
  try {
    if (atomic) {
      await inTransaction(database.prisma, async (tx) => {
        const write = async (batch: Batch, readOn: () => void) =>
          tell(batch, await writeBatch(tx, batch, importTime, campaigns, readOn));
        if (await writeInTurn(batches, write, signal)) {
          throw new Undone({ ...emptySummary(), interrupted: true });
        }
        if (summary.rejected > 0) throw new Undone(undoneSummary(summary));
      });
      options.onCommitted?.(summary);
    } else {
      const write = async (batch: Batch, readOn: () => void) => {
        const outcomes = await inRetriedTransaction(database, (tx) =>
          writeBatch(tx, batch, importTime, campaigns, readOn),
        );
        tell(batch, outcomes);
        options.onCommitted?.(summary);
      };
      summary.interrupted = await writeInTurn(batches, write, signal);
    }
    await analyzeAfter(database, summary);
    return summary;
  } catch (error) {
    if (error instanceof Undone) {
      options.onCommitted?.(error.summary);
      return error.summary;
    }
    throw new ImportError(error, atomic ? emptySummary() : summary);
  }
}
