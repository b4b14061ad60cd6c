import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createCluster, type Cluster } from '../support/cluster.ts';
import { line, PARENTS } from '../support/import.ts';
import { endPrograms, eventually, startServer, type Server } from '../support/process.ts';
import { subscribe } from '../support/subscriptions.ts';

/**
 * Two gateways on one PostgreSQL: data goes into one, and is followed on the other by server-sent events, by WebSocket and
 * by `GET /changes`, while the database is killed and paused in between. All three see every row exactly once.
 */

const RECORDS = 3000;
const WRITERS = 3;

let cluster: Cluster;
let into: Server;
let from: Server;

beforeAll(async () => {
  cluster = await createCluster();
  const environment = {
    DATABASE_URL: cluster.url,
    GATEWAY_INGEST: 'on',
    // A statement that a dying server leaves without an answer.
    GATEWAY_STATEMENT_TIMEOUT: '5000',
  };
  into = await startServer(environment);
  await into.waitForLog('ready');
  from = await startServer(environment);
  await from.waitForLog('ready');
});
afterAll(async () => {
  await endPrograms();
  await cluster?.close();
});

/** How often lines had to be sent again. */
let refusals = 0;

/** Sends lines until they are taken, whatever becomes of the database meanwhile. */
async function ingest(lines: readonly string[]): Promise<void> {
  await eventually(
    async () => {
      const response = await fetch(`${into.url}/import`, {
        method: 'POST',
        body: lines.join('\n'),
      });
      const { code, data } = (await response.json()) as {
        code: number;
        data: { rejected: number } | null;
      };
      if (code !== 2000) refusals++;
      expect({ code, rejected: data?.rejected }).toEqual({ code: 2000, rejected: 0 });
    },
    { everyMs: 200 },
  );
}

/** Follows `GET /changes` until nothing follows once it is told to stop. @returns the ids of the records, as often as they were told. */
async function followChanges(isOver: () => boolean): Promise<string[]> {
  const ids: string[] = [];
  let after = '';
  for (let isEnd = false; !isEnd;) {
    const isLast = isOver();
    const response = await fetch(
      `${from.url}/changes?types=annotationHistory&limit=100${after && `&after=${after}`}`,
    );
    const { code, data } = (await response.json()) as {
      code: number;
      data: { watermark: string; hasMore: boolean; entries: { id: number }[] } | null;
    };
    // The database is away.
    if (code === 5000) await sleep(100);
    else {
      ids.push(...data!.entries.map(({ id }) => String(id)));
      after = data!.watermark;
      isEnd = isLast && !data!.hasMore;
      if (!data!.hasMore) await sleep(20);
    }
  }
  return ids;
}

it('every row is seen exactly once, by all who follow, through the death of the database', async () => {
  await ingest([...PARENTS, line('task')]);
  const query = '{ historyAppended { recordId record { task { taskId } } } }';
  type Event = { historyAppended: { recordId: string; record: object | null } };
  const followers = (['sse', 'websocket'] as const).map((transport) =>
    subscribe<Event>(transport, from.url, query),
  );
  await sleep(1000);
  let isOver = false;
  const changes = followChanges(() => isOver);

  const ids = Array.from({ length: RECORDS }, (_, n) => n + 1);
  const write = async (writer: number) => {
    const own = ids.filter((id) => id % WRITERS === writer);
    while (own.length > 0) {
      const size = 1 + Math.floor(Math.random() * 60);
      const lines = own.splice(0, size).map((id) => line('annotationHistory', { id: String(id) }));
      await ingest(lines);
    }
  };
  const written = Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
  for (let death = 0; death < 2; death++) {
    await sleep(300);
    await cluster.stop();
    await sleep(500);
    await cluster.start();
  }
  await cluster.pause();
  await sleep(500);
  await cluster.resume();
  await written;
  expect(refusals).toBeGreaterThan(0);

  const expected = ids.map(String);
  for (const follower of followers) {
    await follower.receive(RECORDS);
    await sleep(300);
    expect(follower.errors).toEqual([]);
    const told = follower.events.map(({ historyAppended: one }) => one.recordId);
    expect(told.toSorted((a, b) => Number(a) - Number(b))).toEqual(expected);
    const rows = follower.events.filter(({ historyAppended: { record } }) => record !== null);
    expect(rows).toHaveLength(RECORDS);
    await follower.stop();
  }
  isOver = true;
  expect((await changes).toSorted((a, b) => Number(a) - Number(b))).toEqual(expected);
  // The gateways have noticed, and lived on.
  expect(from.logged.some(({ msg }) => msg?.includes('listens for changes was lost'))).toBe(true);
  expect((await fetch(`${from.url}/readyz`)).status).toBe(200);
}, 180_000);

it('a gateway with subscribers stops while the database is paused', async () => {
  const query = '{ historyAppended { recordId } }';
  const followers = Array.from({ length: 50 }, (_, n) =>
    subscribe(n % 2 === 0 ? 'sse' : 'websocket', from.url, query),
  );
  await sleep(1000);
  await cluster.pause();
  try {
    expect(await from.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  } finally {
    await cluster.resume();
  }
  expect(from.stderr).toBe('');
  await Promise.all(followers.map(({ ended }) => ended));
  for (const { errors } of followers.filter((_, n) => n % 2 === 0)) {
    expect(errors).toMatchObject([{ extensions: { code: 'SERVICE_UNAVAILABLE' } }]);
  }
  await Promise.all(followers.map((one) => one.stop()));
});
