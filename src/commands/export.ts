import { readExportTerms } from '../app/export-terms.ts';
import type { Config } from '../config/config.ts';
import type { Database } from '../database/database.ts';
import type { Snapshot } from '../database/snapshot.ts';
import { ANYBODY } from '../domain/viewer.ts';
import type { ExportName, GivenArguments } from '../domain/exports.ts';
import { countRows, formatOf, planExport, readExport, type Plan } from '../export/export.ts';
import { packInto } from '../export/pack.ts';
import { withDatabase } from './database.ts';
import { ensureMigrated } from './migrated.ts';
import { openOutput, PipeClosedError, type Output } from './output.ts';
import { createProgress } from './progress.ts';
import { INTERRUPTED, stopSignal } from './signals.ts';

/** The exit status where the reader of standard output has gone, as the shell has it for SIGPIPE. */
const PIPE_CLOSED = 141;

export interface ExportOptions {
  /** A path, or `-` for standard output. */
  output: string;
  gzip: boolean;
}

async function writeParts(
  snapshot: Snapshot,
  plan: Plan,
  output: Output,
  gzip: boolean,
  stop: AbortSignal,
): Promise<void> {
  const progress = createProgress(plan.of);
  // A count may take a while, and is of no use where nobody looks.
  const total = process.stderr.isTTY && (await countRows(snapshot, plan.sections));
  const packed = packInto(output, gzip ? 'gzip' : undefined);
  let written = 0;
  try {
    for await (const { bytes, rows } of readExport(snapshot, plan)) {
      stop.throwIfAborted();
      await packed.write(bytes);
      written = rows;
      progress.show(rows, total ? Math.min(rows / total, 1) : null);
    }
  } catch (error) {
    if (!(error instanceof PipeClosedError)) {
      const reason = stop.aborted ? 'interrupted' : 'the export failed';
      await packed.write(Buffer.from(formatOf(plan).broken(reason, written)));
      await packed.flush();
    }
    throw error;
  } finally {
    progress.end();
  }
  await packed.end();
}

/**
 * Exports to a file or standard output.
 * @returns the exit status: 0, 130 if it was interrupted, 141 if the reader of standard output has gone.
 * @throws if it could not be done; what was written then says so at its end.
 */
export async function runExport(
  config: Config,
  of: ExportName,
  given: GivenArguments,
  { output: path, gzip }: ExportOptions,
): Promise<number> {
  const stop = stopSignal();
  const plan = planExport(readExportTerms(of, given, 'ndjson'), {
    ...ANYBODY,
    minGroup: config.minGroup,
  });
  return withDatabase(config, async (database: Database) => {
    await ensureMigrated(database, config.migrate);
    const output = await openOutput(path);
    try {
      await database.snapshot((snapshot) => writeParts(snapshot, plan, output, gzip, stop));
      return 0;
    } catch (error) {
      if (error instanceof PipeClosedError) return PIPE_CLOSED;
      if (stop.aborted) return INTERRUPTED;
      throw error;
    } finally {
      await output.close();
    }
  });
}
