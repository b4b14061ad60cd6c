import type { Database } from '../database/database.ts';
import { importLines, type ImportSummary } from '../import/import.ts';
import { toImportLine } from '../simulator/format.ts';
import { simulate } from '../simulator/simulate.ts';

/** Tasks of the demo data; with their records some 24,000 rows. */
const DEMO_TASKS = 2000;

const CHUNK_LINES = 500;

/** Simulated data as an import file: NDJSON in chunks. */
export function* demoFile(options: { tasks: number; seed?: number }): Generator<string> {
  let lines: string[] = [];
  for (const entity of simulate(options)) {
    lines.push(toImportLine(entity));
    if (lines.length === CHUNK_LINES) {
      yield `${lines.join('\n')}\n`;
      lines = [];
    }
  }
  if (lines.length > 0) yield `${lines.join('\n')}\n`;
}

async function* encoded(chunks: Iterable<string>): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) {
    yield Buffer.from(chunk);
    // Loading must not keep the process from answering probes and signals.
    await new Promise(setImmediate);
  }
}

/**
 * Loads the demo data into an empty database, all of it or nothing, so that a start which was killed in the middle does
 * not leave a part of it behind.
 * @returns what was imported; null if the database has campaigns already.
 */
export async function loadDemoData(database: Database): Promise<ImportSummary | null> {
  if ((await database.prisma.campaign.findFirst({ select: { id: true } })) !== null) return null;
  const file = encoded(demoFile({ tasks: DEMO_TASKS }));
  return importLines(database, file, {
    atomic: true,
    // A line of ours that the importer does not take is a fault of ours; nothing of it stays.
    onRejected: ({ line, message }) => {
      throw new Error(`line ${line} of the demo data: ${message}`);
    },
  });
}
