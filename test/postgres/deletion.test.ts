import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { openDatabase, type Database } from '../../src/database/database.ts';
import { deleteCampaign } from '../../src/database/delete-campaign.ts';
import {
  inTransactionAlone,
  inTransaction,
  writeBesideOthers,
} from '../../src/database/writing.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { emptyTables, EXAMPLE, importText, PARENTS } from '../support/import.ts';
import { ingestLines, postImport } from '../support/ingest.ts';

let database: TestDatabase;
/** One whose statements may take a second at most. */
let hurried: Database;
let gateway: TestGateway;
beforeAll(async () => {
  database = await createTestDatabase();
  const { database: config } = readConfig({
    DATABASE_URL: database.url,
    GATEWAY_STATEMENT_TIMEOUT: '1000',
  });
  hurried = await openDatabase(config, pino({ level: 'silent' }));
  gateway = await createTestGateway({ environment: { GATEWAY_INGEST: 'on' }, database });
});
beforeEach(() => emptyTables(database));
afterAll(async () => {
  await hurried.close();
  await database.close();
});

/**
 * A transaction that lasts for a time.
 * @param open calls what it is given once it has its lock.
 * @returns once it has begun, with what is fulfilled at its end.
 */
function lasting(
  ms: number,
  open: (whenBegun: () => Promise<void>) => Promise<void>,
): Promise<{ ended: Promise<void> }> {
  return new Promise((resolve, reject) => {
    const ended = open(async () => {
      resolve({ ended });
      await sleep(ms);
    });
    ended.catch(reject);
  });
}

/** Somebody who writes for a time. */
const writeFor = (ms: number) =>
  lasting(ms, (whenBegun) =>
    inTransaction(database.prisma, async (tx) => {
      await writeBesideOthers(tx);
      await whenBegun();
    }),
  );

describe('a deletion', () => {
  it.each([
    ['a statement may take', () => hurried],
    ['it waits in one go', () => database],
  ])('waits for who writes for longer than %s', async (_, open) => {
    await importText(database, PARENTS);
    const started = performance.now();
    const writing = await writeFor(2600);
    expect(await deleteCampaign(open().prisma, 'c-1')).toMatchObject({ campaign: 1, pool: 1 });
    expect(performance.now() - started).toBeGreaterThan(2500);
    await writing.ended;
  });

  it('can be stopped while it waits', async () => {
    await importText(database, PARENTS);
    const writing = await writeFor(2600);
    const signal = AbortSignal.timeout(500);
    const deletion = deleteCampaign(database.prisma, 'c-1', { signal });
    await expect(deletion).rejects.toThrow('timeout');
    expect(await database.prisma.pool.count()).toBe(1);
    await writing.ended;
  });

  it('is waited for by every way in', async () => {
    const started = performance.now();
    const deletion = await lasting(1500, (whenBegun) =>
      inTransactionAlone(database.prisma, whenBegun),
    );
    const text = PARENTS.join('\n');
    const [streamed, atomic, ingested] = await Promise.all([
      postImport(gateway, text),
      postImport(gateway, text, { path: '/import?atomic=true' }),
      ingestLines(gateway, [EXAMPLE.campaign]),
    ]);
    expect(performance.now() - started).toBeGreaterThan(1400);
    expect([streamed.status, atomic.status, ingested.rejected]).toEqual([200, 200, 0]);
    const created = [streamed, atomic].map(({ report }) => report.types.campaign!.created!);
    expect(created[0]! + created[1]! + ingested.created).toBe(1);
    await deletion.ended;
  });
});
