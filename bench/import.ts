/**
 * How fast the gateway imports lines, beside COPY of the same rows into the same tables with their keys, indexes and triggers.
 */
import { createReadStream, createWriteStream, mkdtempSync, openSync, rmSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from, to } from 'pg-copy-streams';
import { query, runCommand, urlOf } from './data.ts';

/** In the order in which they refer to each other. */
const TABLES = ['campaign', 'annotation_request', 'pool', 'task', 'annotation_history'];

/** Databases of the comparison: one with empty tables, and one that is made of it for each turn. */
const EMPTY = 'rosetta_bench_import_empty';
const FILLED = 'rosetta_bench_import_filled';

/** Rows of a table as COPY writes and reads them. */
interface CopiedTable {
  /** The table with its columns, but for the one that a trigger fills. */
  readonly target: string;
  readonly file: string;
}

/** Seconds that each turn took. */
export interface ImportResult {
  readonly rows: number;
  readonly gateway: readonly number[];
  readonly copy: readonly number[];
}

async function copyOut(url: string, directory: string): Promise<CopiedTable[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const copied: CopiedTable[] = [];
    for (const table of TABLES) {
      const { rows } = await client.query<{ columns: string }>(
        `SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS columns FROM pg_attribute
         WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attname <> 'changed_in'`,
        [table],
      );
      const target = `${table} (${rows[0]!.columns})`;
      const file = join(directory, table);
      await pipeline(client.query(to(`COPY ${target} TO STDOUT`)), createWriteStream(file));
      copied.push({ target, file });
    }
    return copied;
  } finally {
    await client.end();
  }
}

async function copyIn(url: string, tables: readonly CopiedTable[]): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    for (const { target, file } of tables) {
      await pipeline(createReadStream(file), client.query(from(`COPY ${target} FROM STDIN`)));
    }
  } finally {
    await client.end();
  }
}

async function countRows(url: string): Promise<number> {
  const counts = TABLES.map((table) => `(SELECT count(*) FROM ${table})`);
  const [row] = await query<{ rows: number }>(url, `SELECT (${counts.join(' + ')})::int AS rows`);
  return row!.rows;
}

/** Lets both take turns. @param say told of each turn. */
export async function compareImports(
  serverUrl: string,
  tasks: number,
  rounds: number,
  say: (text: string) => void,
): Promise<ImportResult> {
  const directory = mkdtempSync(join(tmpdir(), 'rosetta-import-'));
  const drop = (name: string) => query(serverUrl, `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
  const url = urlOf(serverUrl, FILLED);
  /** Seconds that it takes to fill a new database. */
  const time = async (fill: () => unknown) => {
    await drop(FILLED);
    await query(serverUrl, `CREATE DATABASE "${FILLED}" TEMPLATE "${EMPTY}"`);
    // What was written before is not to be flushed meanwhile.
    await query(serverUrl, 'CHECKPOINT');
    const started = performance.now();
    await fill();
    return (performance.now() - started) / 1000;
  };
  try {
    const lines = join(directory, 'lines.ndjson');
    execFileSync(process.execPath, ['dist/main.js', 'demo-data', '--tasks', String(tasks)], {
      stdio: ['ignore', openSync(lines, 'w'), 'inherit'],
    });
    await drop(EMPTY);
    await query(serverUrl, `CREATE DATABASE "${EMPTY}"`);
    runCommand(urlOf(serverUrl, EMPTY), ['migrate']);

    const importLines = () => runCommand(url, ['import', lines]);
    // The first import, which warms everything up, is where the rows for COPY come from.
    await time(importLines);
    const tables = await copyOut(url, directory);
    const rows = await countRows(url);
    const gateway: number[] = [];
    const copy: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      gateway.push(await time(importLines));
      copy.push(await time(() => copyIn(url, tables)));
      if ((await countRows(url)) !== rows) throw new Error('COPY has not taken every row.');
      say(
        `Round ${round} of ${rounds}: ${gateway.at(-1)!.toFixed(1)} s and ${copy.at(-1)!.toFixed(1)} s.`,
      );
    }
    return { rows, gateway, copy };
  } finally {
    await drop(FILLED);
    await drop(EMPTY);
    rmSync(directory, { recursive: true });
  }
}
