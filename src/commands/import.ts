import type { Config } from '../config/config.ts';
import type { Database } from '../database/database.ts';
import { ENTITY_TYPES } from '../domain/entities.ts';
import {
  ImportError,
  importLines,
  type ImportSummary,
  type LineProblem,
} from '../import/import.ts';
import { openSource } from '../import/source.ts';
import { createProgress } from './progress.ts';
import { withDatabase } from './database.ts';
import { ensureMigrated } from './migrated.ts';
import { INTERRUPTED, stopSignal } from './signals.ts';

/** The exit status if lines were rejected. */
const REJECTED = 1;
/** Nobody is answered meanwhile, and what every transaction costs is spread over more lines; longer ones gain little. */
const BATCH_LINES = 2000;

function describeSummary(file: string, summary: ImportSummary, seconds: number): string {
  const rows = ENTITY_TYPES.map((type) => {
    const { created, updated, unchanged, stale, rejected, warnings } = summary.types[type];
    const counts = [
      `${created} created`,
      `${updated} updated`,
      `${unchanged} unchanged${stale > 0 ? ` (${stale} STALE)` : ''}`,
      `${rejected} rejected`,
      ...(warnings > 0 ? [`${warnings} warnings`] : []),
    ];
    return `  ${type.padEnd(17)} ${counts.join(', ')}`;
  });
  const { lines, rejected, interrupted } = summary;
  const rate = seconds > 0 ? Math.round(lines / seconds) : lines;
  return [
    `${file}: ${lines} lines in ${seconds.toFixed(1)} s (${rate} lines/s), ${rejected} rejected${interrupted ? ', interrupted' : ''}`,
    ...rows,
    '',
  ].join('\n');
}

function describeProblem(file: string, { line, message }: LineProblem): string {
  return `${file}:${line}: ${message}`;
}

async function importFile(
  database: Database,
  path: string,
  ignoreUnknown: boolean,
  signal: AbortSignal,
): Promise<ImportSummary> {
  const file = path === '-' ? 'standard input' : path;
  const started = performance.now();
  const progress = createProgress(file);
  const report = (summary: ImportSummary) => {
    progress.end();
    const seconds = (performance.now() - started) / 1000;
    process.stdout.write(describeSummary(file, summary, seconds));
  };
  const source = await openSource(path);
  try {
    const summary = await importLines(database, source.stream, {
      ignoreUnknown,
      signal,
      batchLines: BATCH_LINES,
      onRejected: (problem) => progress.write(describeProblem(file, problem)),
      onWarning: (problem) => progress.write(`${describeProblem(file, problem)} (warning)`),
      onProgress: ({ lines }) =>
        progress.show(lines, source.size === null ? null : source.bytesRead() / source.size),
    });
    report(summary);
    return summary;
  } catch (error) {
    if (error instanceof ImportError) report(error.summary);
    throw error;
  } finally {
    // A source that was interrupted may never end by itself.
    source.close();
  }
}

/**
 * Imports files, one after the other.
 * @returns the exit status: 0 if every line was taken, 1 if some were rejected, 130 if it was interrupted.
 * @throws if the database or a file fails; what was committed before stays, and running it again completes it.
 */
export function runImport(
  config: Config,
  files: readonly string[],
  { ignoreUnknown }: { ignoreUnknown: boolean },
): Promise<number> {
  const stop = stopSignal();
  return withDatabase(config, async (database) => {
    await ensureMigrated(database, config.migrate);
    let rejected = 0;
    for (const file of files) {
      const summary = await importFile(database, file, ignoreUnknown, stop);
      rejected += summary.rejected;
      if (summary.interrupted) return INTERRUPTED;
    }
    return rejected > 0 ? REJECTED : 0;
  });
}
