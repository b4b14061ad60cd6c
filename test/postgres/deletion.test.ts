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

/** Somebody who writes for a time. */
function writeFor(ms: number): Promise<void> {
  return inTransaction(database.prisma, async (tx) => {
    await writeBesideOthers(tx);
    await sleep(ms);
  });
}

describe('a deletion', () => {
  it.each([
    ['a statement may take', () => hurried],
    ['it waits in one go', () => database],
  ])('waits for who writes for longer than %s', async (_, open) => {
    await importText(database, PARENTS);
    const writing = writeFor(2600);
    await sleep(100);
    const started = performance.now();
    expect(await deleteCampaign(open().prisma, 'c-1')).toMatchObject({ campaign: 1, pool: 1 });
    expect(performance.now() - started).toBeGreaterThan(2400);
    await writing;
  });

  it('can be stopped while it waits', async () => {
    await importText(database, PARENTS);
    const writing = writeFor(2600);
    await sleep(100);
    const signal = AbortSignal.timeout(500);
    const started = performance.now();
    const deletion = deleteCampaign(database.prisma, 'c-1', { signal });
    await expect(deletion).rejects.toThrow('timeout');
    expect(performance.now() - started).toBeLessThan(3500);
    expect(await database.prisma.pool.count()).toBe(1);
    await writing;
  });

  it('is waited for by every way in', async () => {
    const deletion = inTransactionAlone(database.prisma, () => sleep(1500));
    await sleep(100);
    const started = performance.now();
    const text = PARENTS.join('\n');
    const [streamed, atomic, ingested] = await Promise.all([
      postImport(gateway, text),
      postImport(gateway, text, { path: '/import?atomic=true' }),
      ingestLines(gateway, [EXAMPLE.campaign]),
    ]);
    expect(performance.now() - started).toBeGreaterThan(1200);
    expect([streamed.status, atomic.status, ingested.rejected]).toEqual([200, 200, 0]);
    const created = [streamed, atomic].map(({ report }) => report.types.campaign!.created!);
    expect(created[0]! + created[1]! + ingested.created).toBe(1);
    await deletion;
  });
});
