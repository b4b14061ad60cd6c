import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { cpuMs } from './support/cpu.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { dumpTables, emptyTables, importText, PARENTS, work } from './support/import.ts';
import { postImport, slowPost } from './support/ingest.ts';

const environment = { GATEWAY_INGEST: 'on' };

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  await database.prisma.idempotencyKey.deleteMany();
  await emptyTables(database);
});
afterAll(() => database.close());

/** A gateway that is told to stop while `use` has it. */
async function whileStopping(
  use: (gateway: TestGateway, stop: () => void) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const gateway = await createTestGateway({ environment, database, stopping: stop.signal });
  try {
    await use(gateway, () => stop.abort());
  } finally {
    await gateway.close();
  }
}

describe('an import when the gateway stops', () => {
  const lines = [...PARENTS, ...work(700, 0)];

  it('ends with what has arrived, says so, and is completed by sending it again', async () => {
    await whileStopping(async (gateway, stop) => {
      const { port } = await gateway.listen();
      const { post, answer } = slowPost(port, '/import', { 'Idempotency-Key': 'k' });
      post.write(`${lines.slice(0, 603).join('\n')}\n${lines[603]!.slice(0, 20)}`);
      await expect.poll(() => database.prisma.task.count()).toBe(497);
      stop();
      // Comes although the sender never ends.
      const { status, headers, envelope } = await answer;
      expect(status).toBe(503);
      expect(headers).toMatchObject({
        'retry-after': '1',
        connection: 'close',
        'x-import-error': 'The gateway is stopping; 603 lines are done.',
      });
      expect(envelope).toMatchObject({ code: 5000, data: null, success: false });
      expect(await database.prisma.task.count()).toBe(600);
    });
    const other = await createTestGateway({ environment, database });
    const again = await postImport(other, lines.join('\n'), {
      headers: { 'idempotency-key': 'k' },
    });
    expect(again.headers['idempotent-replayed']).toBeUndefined();
    expect(again.report.types.task).toMatchObject({ created: 100, unchanged: 600 });
  });

  it('writes nothing of it where it is atomic', async () => {
    await whileStopping(async (gateway, stop) => {
      const { port } = await gateway.listen();
      const { post, answer } = slowPost(port, '/import?atomic=true');
      post.write(`${lines.join('\n')}\n`);
      await sleep(100);
      stop();
      const { status, headers } = await answer;
      expect([status, headers['x-import-error']]).toEqual([
        503,
        'The gateway is stopping; 0 lines are done.',
      ]);
      expect(await database.prisma.campaign.count()).toBe(0);
    });
  });

  it.each(['/import', '/import?atomic=true'])(
    'does not go on unpacking what was sent to %s',
    async (path) => {
      const many = Array.from({ length: 1_000_000 }, (_, n) => `{"n":${n}}`);
      const packed = gzipSync(many.join('\n'), { level: 1 });
      await whileStopping(async (gateway, stop) => {
        const answer = postImport(gateway, packed, {
          path,
          headers: { 'content-encoding': 'gzip' },
        });
        await sleep(200);
        const spent = await cpuMs(async () => {
          stop();
          expect((await answer).status).toBe(503);
        });
        expect(spent).toBeLessThan(2000);
      });
    },
  );

  it('is not begun', async () => {
    await importText(database, PARENTS);
    const before = await dumpTables(database);
    await whileStopping(async (gateway, stop) => {
      stop();
      expect((await postImport(gateway, lines.join('\n'))).status).toBe(503);
    });
    expect(await dumpTables(database)).toEqual(before);
  });
});
