import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openEmbedded } from '../../src/database/embedded.ts';
import { simulate } from '../../src/simulator/simulate.ts';
import { toImportLine } from '../../src/simulator/format.ts';
import { removeDirectories, temporaryDirectory } from '../support/directory.ts';
import { runProgram } from '../support/process.ts';

let directory: string;
const run = (args: string[], zone = 'UTC') =>
  runProgram(args, { environment: { GATEWAY_DATA_DIR: directory, GATEWAY_TIME_ZONE: zone } });

beforeAll(async () => {
  directory = await temporaryDirectory();
  const file = join(await temporaryDirectory(), 'rows.ndjson');
  await writeFile(file, [...simulate({ tasks: 20 })].map(toImportLine).join('\n'));
  expect((await run(['import', file])).code).toBe(0);
});
afterAll(() => removeDirectories());

/** Sends statements to the database, and gives the rows of the last. */
async function query(...statements: string[]): Promise<unknown[]> {
  const database = await openEmbedded(directory, {});
  try {
    let rows: unknown[] = [];
    for (const sql of statements) rows = await database.prisma.$queryRawUnsafe<unknown[]>(sql);
    return rows;
  } finally {
    await database.close();
  }
}

it('rolls the workload up by the days of the zone, compares it, and tells what differs', async () => {
  const made = await run(['rollups'], 'Asia/Shanghai');
  expect(made.stderr).toBe('');
  expect(made.stdout).toMatch(
    /^The workload is rolled up by the days of Asia\/Shanghai: [1-9]\d* rows, in [\d.]+ s\.\n$/,
  );
  const [state] = await query(`SELECT time_zone, (SELECT count(*) FROM workload_day) AS rows,
    (SELECT count(*) FROM workload_stale) AS notes FROM workload_zone`);
  const rows = BigInt(/(\d+) rows/.exec(made.stdout)![1]!);
  expect(state).toEqual({ time_zone: 'Asia/Shanghai', rows, notes: 0n });

  expect(await run(['rollups', '--check'])).toMatchObject({
    code: 0,
    stdout: 'The roll-ups are what the records come to.\n',
  });
  await query('UPDATE workload_day SET checks = checks + 1 WHERE pool_assignee_id = 52001');
  const { code, stdout } = await run(['rollups', '--check']);
  expect(code).toBe(1);
  const [last, ...differences] = stdout.trimEnd().split('\n').reverse();
  expect(last).toBe('The roll-ups differ from the records: run "rosetta-gateway rollups".');
  expect(differences.length).toBeGreaterThan(0);
  for (const line of differences) {
    expect(line).toMatch(/^only by the (roll-ups|records): \{.*"pool_assignee_id":52001,.*\}$/);
  }
  expect((await run(['rollups'])).stdout).toContain('by the days of UTC');
  expect((await run(['rollups', '--check'])).code).toBe(0);
});

it('refuses a zone that the database would take for another', async () => {
  expect(await run(['rollups'], 'CET')).toMatchObject({
    code: 2,
    stderr:
      'rosetta-gateway: GATEWAY_TIME_ZONE is "CET": roll-ups need a zone with its area, such as Asia/Shanghai, or UTC.\n',
  });
});
