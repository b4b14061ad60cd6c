import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Prisma } from '../src/database/generated/client/client.ts';
import {
  carryThrough,
  currentRequest,
  onBehalfOf,
  onNobodysBehalf,
} from '../src/database/request.ts';
import { inTransaction } from '../src/database/writing.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';

/** Who each statement was sent for, by a number in it that tells whose it is. */
const sent: { text: string; requestId: string | undefined; error?: unknown }[] = [];

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase({
    watch: (text, request) => {
      const statement: (typeof sent)[number] = { text, requestId: request?.requestId };
      sent.push(statement);
      return (error) => (statement.error = error);
    },
  });
  await database.prisma.campaign.createMany({
    data: Array.from({ length: 20 }, (_, n) => ({
      id: `c-${n}`,
      projectId: BigInt(n),
      name: `campaign ${n}`,
      campaignType: 'POC',
    })),
  });
});
afterAll(() => database?.close());

const as = <T>(requestId: string, work: () => T, signal?: AbortSignal): T =>
  onBehalfOf({ requestId, about: {}, signal }, work);

/** Who sent what was sent since, each once. */
function sendersSince(start: number): (string | undefined)[] {
  return [...new Set(sent.slice(start).map(({ requestId }) => requestId))].sort();
}

describe('what is sent', () => {
  it('is sent for the request in whose course it was asked for, however many wait for a connection', async () => {
    const start = sent.length;
    await Promise.all(
      Array.from({ length: 60 }, (_, n) =>
        as(`request-${n}`, async () => {
          const { prisma } = database;
          await prisma.$queryRaw`SELECT ${Prisma.raw(`'request-${n}'`)} AS raw`;
          await prisma.campaign.findMany({ where: { id: `c-${n}` } });
          await inTransaction(prisma, async (tx) => {
            await tx.$queryRaw`SELECT ${Prisma.raw(`'request-${n}'`)} AS in_transaction`;
          });
        }),
      ),
    );
    const counts = new Map<string | undefined, number>();
    for (const { text, requestId } of sent.slice(start)) {
      counts.set(requestId, (counts.get(requestId) ?? 0) + 1);
      const [named] = /request-\d+/.exec(text) ?? [];
      if (named) expect(requestId).toBe(named);
    }
    expect(counts.size).toBe(60);
    // Each has sent the same: what begins and ends its transaction too.
    expect(new Set(counts.values()).size).toBe(1);
  });

  it('is nobody’s where others share it', async () => {
    const start = sent.length;
    await as('one', () => onNobodysBehalf(() => database.prisma.campaign.count()));
    expect(sendersSince(start)).toEqual([undefined]);
    expect(currentRequest()).toBeUndefined();
  });

  it('is told with how it went', async () => {
    const failing = as('failing', () => database.prisma.$queryRaw`SELECT 1 / 0`.then());
    await expect(failing).rejects.toThrow('division by zero');
    expect(sent.at(-1)).toMatchObject({ requestId: 'failing', error: expect.anything() as object });
  });
});

describe('unique look-ups of one tick', () => {
  const findTask = () => database.prisma.task.findUnique({ where: { id: 1n } });
  const find = (n: number) => database.prisma.campaign.findUnique({ where: { id: `c-${n}` } });

  it('are one statement within a request, and never one of two requests', async () => {
    const start = sent.length;
    const found = await Promise.all([
      as('one', () => Promise.all([find(0), find(1), find(2)])),
      as('two', () => Promise.all([find(3), find(4)])),
      onNobodysBehalf(() => find(5)),
    ]);
    expect(found.flat().map((campaign) => campaign?.id)).toEqual(
      [0, 1, 2, 3, 4, 5].map((n) => `c-${n}`),
    );
    expect(
      sent
        .slice(start)
        .map(({ requestId }) => requestId)
        .sort(),
    ).toEqual(['one', 'two', undefined]);
  });

  it('fail with their own request only', async () => {
    const cancelled = new AbortController();
    const reason = new Error('over');
    cancelled.abort(reason);
    const answers = await Promise.allSettled([
      // Prisma sends a statement when it is first waited for: that is to be here.
      as('over', () => find(6).then(), cancelled.signal),
      as('good', () => find(7).then()),
      as('over', () => findTask().then(), cancelled.signal),
      as('another', () => findTask().then()),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
  });
});

describe('a transaction', () => {
  const rename = (
    cancelled: AbortController,
    name: string,
    before: () => void,
    lift = () => {},
  ): Promise<void> =>
    onBehalfOf({ requestId: 'one', about: {}, signal: cancelled.signal, lift }, () =>
      inTransaction(database.prisma, async (tx) => {
        await tx.campaign.update({ where: { id: 'c-8' }, data: { name } });
        before();
        await tx.campaign.count();
      }),
    );
  const name = async () =>
    (await database.prisma.campaign.findUniqueOrThrow({ where: { id: 'c-8' } })).name;

  it('of a request that is over is rolled back', async () => {
    const cancelled = new AbortController();
    const over = new Error('over');
    const renaming = rename(cancelled, 'lost', () => cancelled.abort(over));
    await expect(renaming).rejects.toBe(over);
    expect(await name()).toBe('campaign 8');
  });

  it('is committed once it is to be carried through', async () => {
    const lifted: string[] = [];
    await rename(new AbortController(), 'kept', carryThrough, () => lifted.push('lifted'));
    expect([lifted, await name()]).toEqual([['lifted'], 'kept']);
  });

  it('is not carried through when its request is over', async () => {
    const cancelled = new AbortController();
    const over = new Error('over');
    const late = () => {
      cancelled.abort(over);
      carryThrough();
    };
    await expect(rename(cancelled, 'lost', late)).rejects.toBe(over);
    expect(await name()).toBe('kept');
  });
});
