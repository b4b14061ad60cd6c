import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createTestDatabase } from './support/database.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { emptyTables, EXAMPLE, importText, line, PARENTS } from './support/import.ts';
import { eventually } from './support/process.ts';
import { subscribe, type Subscription, type Transport } from './support/subscriptions.ts';

let gateway: TestGateway;
let url: string;
let port: number;
const open: Subscription<unknown>[] = [];

beforeAll(async () => {
  gateway = await createTestGateway();
  ({ url, port } = await gateway.listen());
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.stop()));
  await emptyTables(gateway.database);
});
afterAll(() => gateway.close());

const TASK = '466917967054114816';

async function watermark(type: 'TASK' | 'ANNOTATION_HISTORY'): Promise<string> {
  const query = `{ watermark(types: [${type}]) }`;
  return (await gateway.gql<{ watermark: string }>(query)).watermark;
}

function listen<Data>(transport: Transport, query: string, variables = {}): Subscription<Data> {
  const subscription = subscribe<Data>(transport, url, query, variables);
  open.push(subscription);
  return subscription;
}

interface TaskEvent {
  taskChanged: { taskId: string; watermark: string; task: { statusCode: number } | null };
}
const TASKS = `($filter: TaskFilter, $after: String) {
  taskChanged(filter: $filter, after: $after) { taskId watermark task { statusCode } }
}`;
interface RecordEvent {
  historyAppended: { recordId: string; watermark: string };
}
const RECORDS = `($filter: AnnotationHistoryFilter, $after: String) {
  historyAppended(filter: $filter, after: $after) { recordId watermark }
}`;

const record = (id: number, fields = {}) =>
  line('annotationHistory', { id: String(id), ...fields });
const task = (id: number, fields = {}) =>
  line('task', { id: String(id), sceneId: `"s-${id}"`, ...fields });

/** Events as they are told, and no others for a while. */
async function exactly<Data>(subscription: Subscription<Data>, count: number): Promise<Data[]> {
  await subscription.receive(count);
  await sleep(200);
  expect(subscription.errors).toEqual([]);
  expect(subscription.events).toHaveLength(count);
  return subscription.events;
}

/** Waits until a subscription that begins now is told of what is committed from here on. */
const established = (count = open.length) =>
  eventually(() => expect(gateway.subscriptions()).toBe(count), { everyMs: 5 });

describe.each(['sse', 'websocket'] as const)('over %s', (transport) => {
  it('tasks come when they are created and updated, whoever does it, with what hangs on them', async () => {
    const tasks = listen<{ taskChanged: object }>(
      transport,
      `{ taskChanged { taskId task {
           statusCode viewUrl pool { name } annotationHistory(last: 1) { totalCount nodes { recordId } }
         } } }`,
    );
    await established();
    await importText(gateway.database, Object.values(EXAMPLE));
    await tasks.receive(1);
    await importText(gateway.database, [record(2)]);
    // Another program.
    await gateway.database.prisma.$executeRaw`UPDATE task SET status = 3`;
    await importText(gateway.database, [line('task', { status: '3' })]);
    const told = (statusCode: number, last: string, totalCount: number) => ({
      taskChanged: {
        taskId: TASK,
        task: {
          statusCode,
          viewUrl: `https://rosetta.example.com/rosetta-open/task/1234/${TASK}/viewOnly`,
          pool: { name: 'ar annotation pool name' },
          annotationHistory: { totalCount, nodes: [{ recordId: last }] },
        },
      },
    });
    expect(await exactly(tasks, 2)).toEqual([told(2, '1', 1), told(3, '2', 2)]);
  });

  it('records come once each, those of the filter', async () => {
    await importText(gateway.database, [...PARENTS, EXAMPLE.task, task(7)]);
    const all = listen<RecordEvent>(transport, RECORDS);
    const some = listen<RecordEvent>(transport, RECORDS, {
      filter: {
        task: { sceneId: { eq: 's-7' } },
        actionType: undefined,
        not: { recordId: { eq: '4' } },
      },
    });
    await established();
    const lines = [1, 2, 3, 4, 5].map((id) => record(id, id > 2 ? { taskId: '7' } : {}));
    await importText(gateway.database, lines.slice(0, 3));
    await importText(gateway.database, lines);
    const ids = (events: RecordEvent[]) => events.map(({ historyAppended: one }) => one.recordId);
    expect(ids(await exactly(all, 5))).toEqual(['1', '2', '3', '4', '5']);
    expect(ids(await exactly(some, 2))).toEqual(['3', '5']);
  });

  it('the progress of a request comes at once, and when it has changed, once a second', async () => {
    await importText(gateway.database, [...PARENTS, EXAMPLE.task]);
    const progress = listen<{ progressChanged: { total: number; completed: number } }>(
      transport,
      '{ progressChanged(annotationRequestId: "ar-1") { total completed } }',
    );
    await progress.receive(1);
    const started = performance.now();
    for (let n = 1; n <= 20; n++) {
      await importText(gateway.database, [task(n, { status: n > 10 ? '11' : '2' })]);
    }
    // Nothing that is told has changed.
    await importText(gateway.database, [task(1, { frameNum: '9' })]);
    const expected = { total: 21, completed: 10 };
    await eventually(() => expect(progress.events.at(-1)!.progressChanged).toEqual(expected));
    await gateway.database.prisma.task.delete({ where: { id: 20n } });
    await eventually(() =>
      expect(progress.events.at(-1)!.progressChanged).toEqual({ total: 20, completed: 9 }),
    );
    const seconds = (performance.now() - started) / 1000;
    expect(progress.events.length).toBeLessThanOrEqual(2 + seconds);
    expect(progress.errors).toEqual([]);
  });

  it('a subscriber goes on where it stopped', async () => {
    const start = await watermark('ANNOTATION_HISTORY');
    await importText(gateway.database, [...PARENTS, EXAMPLE.task]);
    const lines = Array.from({ length: 30 }, (_, n) => record(n + 1));
    await importText(gateway.database, lines.slice(0, 10));
    const first = listen<RecordEvent>(transport, RECORDS, { after: start });
    await first.receive(4);
    await first.stop();
    await importText(gateway.database, lines.slice(10, 20));
    const seen = first.events.slice(0, 4);
    const second = listen<RecordEvent>(transport, RECORDS, {
      after: seen.at(-1)!.historyAppended.watermark,
    });
    await second.receive(16);
    await importText(gateway.database, lines.slice(20));
    const all = [...seen, ...(await exactly(second, 26))];
    expect(all.map(({ historyAppended: one }) => one.recordId)).toEqual(
      Array.from({ length: 30 }, (_, n) => String(n + 1)),
    );
    // `changes` takes the watermark of an event, and the other way round.
    const at = all[27]!.historyAppended.watermark;
    const { changes } = await gateway.gql<{ changes: { watermark: string; entries: object[] } }>(
      `{ changes(types: [ANNOTATION_HISTORY], after: "${at}") { watermark entries { key } } }`,
    );
    expect(changes.entries).toEqual([{ key: '29' }, { key: '30' }]);
    const third = listen<RecordEvent>(transport, RECORDS, { after: changes.watermark });
    await established(2);
    await importText(gateway.database, [record(31)]);
    expect((await exactly(third, 1))[0]!.historyAppended.recordId).toBe('31');
  });

  it.each([
    ['taskChanged(after: "x") { taskId }', 'The argument "after" is not a watermark'],
    ['taskChanged(filter: { sceneId: { in: ["\\u0000"] } }) { taskId }', 'holds a NUL character'],
    ['progressChanged(annotationRequestId: "none") { total }', 'There is no annotation request'],
  ])('what is wrong with %s is told', async (field, message) => {
    const failing = listen(transport, `{ ${field} }`);
    await failing.ended;
    expect(failing.events).toEqual([]);
    expect(failing.errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
    expect(failing.errors[0]!.message).toContain(message);
  });

  it('watermarks of another type or history are refused, and a history that begins anew ends all', async () => {
    const other = listen(transport, RECORDS, { after: await watermark('TASK') });
    await other.ended;
    expect(other.errors[0]!.message).toContain('of other types');
    const before = await watermark('TASK');
    const living = listen(transport, TASKS);
    await established(1);
    await emptyTables(gateway.database);
    await importText(gateway.database, [...PARENTS, EXAMPLE.task]);
    await living.ended;
    expect(living.errors).toMatchObject([{ extensions: { code: 'SERVICE_UNAVAILABLE' } }]);
    expect(living.errors[0]!.message).toContain('restored or emptied');
    const foreign = listen(transport, TASKS, { after: before });
    await foreign.ended;
    expect(foreign.errors[0]!.message).toContain('of another database');
  });

  it('who leaves is forgotten, and nothing is read for nobody', async () => {
    const two = [listen(transport, TASKS), listen(transport, TASKS)];
    await established(2);
    await two[0]!.stop();
    await established(1);
    await two[1]!.stop();
    await established(0);
    await sleep(100);
    gateway.statements.length = 0;
    await importText(gateway.database, PARENTS);
    await sleep(200);
    expect(gateway.statements.filter((sql) => sql.includes('pg_current_snapshot'))).toEqual([]);
  });

  it('any number of subscribers to the same cost the same statements', async () => {
    await importText(gateway.database, PARENTS);
    const count = async (subscribers: number) => {
      const filter = { statusCode: { eq: 2 }, campaign: { name: { startsWith: 'Helix' } } };
      const tasks = Array.from({ length: subscribers }, () =>
        listen<TaskEvent>(transport, TASKS, { filter }),
      );
      await established();
      await sleep(100);
      gateway.statements.length = 0;
      const first = subscribers * 100;
      await gateway.database.prisma.$executeRaw`
        INSERT INTO task SELECT id, 'ar-1', 'c-1', 3001, 's' || id, 2, '{}', 0, 0, 1, NULL
        FROM generate_series(${first}::int, ${first + 49}::int) AS id`;
      await Promise.all(tasks.map((one) => one.receive(50)));
      const sent = gateway.statements.length;
      await Promise.all(tasks.map((one) => one.stop()));
      open.length = 0;
      await established(0);
      return sent;
    };
    const one = await count(1);
    // The insertion, the changes, the filter, the rows; and perhaps a look whether there is more.
    expect(one).toBeLessThanOrEqual(6);
    expect(await count(10)).toBeLessThanOrEqual(one + 1);
  });
});

describe('the endpoint', () => {
  it('refuses the mode of server-sent events that would bind a client to one copy', async () => {
    const { statusCode } = await gateway.inject({ method: 'PUT', url: '/graphql' });
    expect(statusCode).toBe(405);
    const stream = await gateway.inject({
      method: 'GET',
      url: '/graphql?token=x',
      headers: { accept: 'text/event-stream' },
    });
    expect(stream.statusCode).toBeGreaterThanOrEqual(400);
  });

  it.each([
    ['query', '{ campaigns { totalCount } }', 'Only subscriptions are taken here'],
    ['mutation', 'mutation { __typename }', 'Only subscriptions are taken here'],
    [
      'choice',
      'subscription A { taskChanged { taskId } } query B { __typename }',
      'There is no operation of that name',
    ],
    ['syntax error', '{', 'Syntax Error'],
    ['invalid document', 'subscription { none }', 'Cannot query field "none"'],
  ])('takes no %s over WebSocket', async (_name, query, message) => {
    const failing = subscribe('websocket', url, '', {}, query);
    await failing.ended;
    expect(failing.errors[0]!.message).toContain(message);
    await failing.stop();
  });

  it('lets a page of another origin open no WebSocket', async () => {
    const status = (origin: string) =>
      new Promise((resolve) => {
        const socket = new WebSocket(
          `${url}/graphql`.replace('http', 'ws'),
          'graphql-transport-ws',
          {
            origin,
          },
        );
        socket.once('unexpected-response', (_req, res) => {
          resolve(res.statusCode);
          socket.terminate();
        });
        socket.once('error', () => {});
        socket.once('open', () => {
          resolve('open');
          socket.close();
        });
      });
    expect(await status('http://evil.example')).toBe(403);
    expect(await status('null')).toBe(403);
    expect(await status(url)).toBe('open');
  });

  it('serves requests that ask to upgrade to something else', async () => {
    await importText(gateway.database, Object.values(EXAMPLE));
    const body = JSON.stringify({
      campaignId: 'c-1',
      annotationRequestId: 'ar-1',
      sceneId: '550e8400-e29b-41d4-a716-446655440000',
    });
    const answers = await Promise.all(
      [0, 30].map(
        (pauseMs) =>
          new Promise<string>((resolve, reject) => {
            const req = httpRequest(
              {
                port,
                host: '127.0.0.1',
                method: 'POST',
                path: '/task/get',
                headers: {
                  // As Java's client sends every request.
                  Connection: 'Upgrade, HTTP2-Settings',
                  Upgrade: 'h2c',
                  'HTTP2-Settings': 'AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA',
                  'Content-Length': String(body.length),
                },
              },
              (res) => {
                let text = '';
                res.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
                res.once('end', () => resolve(text));
              },
            );
            req.once('error', reject);
            if (pauseMs === 0) req.end(body);
            else {
              req.write(body.slice(0, 5));
              setTimeout(() => req.end(body.slice(5)), pauseMs);
            }
          }),
      ),
    );
    for (const answer of answers) expect(JSON.parse(answer)).toMatchObject({ code: 2000 });
  });
});

/** A subscriber that reads nothing until it is told to, and then gathers what it is sent. */
async function deafSubscriber(transport: Transport, port: number) {
  const query =
    'subscription { historyAppended { recordId record { instanceInfo task { instanceInfo } } } }';
  let received = '';
  const gather = (data: unknown) => (received += String(data));
  if (transport === 'websocket') {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/graphql`, 'graphql-transport-ws');
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'connection_init' }));
    await once(socket, 'message');
    socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query } }));
    socket.pause();
    socket.on('message', gather);
    return { listen: () => socket.resume(), received: () => received, end: () => socket.close() };
  }
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const body = JSON.stringify({ query });
  socket.write(
    `POST /graphql HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  return {
    listen: () => socket.on('data', gather),
    received: () => received,
    end: () => socket.destroy(),
  };
}

describe('a burst', () => {
  const insert = (first: number, last: number, text = 'x') =>
    gateway.database.prisma.$executeRaw`
      INSERT INTO annotation_history (id, task_id, annotation_request_id, campaign_id, pool_id, status, action_type,
        created_time, instance_info, instance_num, instance_sum, attributes_num, attributes_sum, frame_count)
      SELECT id, ${BigInt(TASK)}, 'ar-1', 'c-1', 3001, 2, 5, now(), jsonb_build_object(${text}::text, 0), 0, 0, 0, 0, 1
      FROM generate_series(${first}::int, ${last}::int) AS id`;

  it('that is longer than what is kept for a subscriber reaches each of them, once', async () => {
    await importText(gateway.database, [...PARENTS, EXAMPLE.task]);
    const start = await watermark('ANNOTATION_HISTORY');
    const some = { filter: { recordId: { in: [1, 9000, 12_000, 23_999, 24_500] } } };
    const all = listen<RecordEvent>('sse', RECORDS);
    const few = listen<RecordEvent>('websocket', RECORDS, some);
    await established(2);
    for (let n = 0; n < 12; n++) await insert(n * 2000 + 1, n * 2000 + 2000);
    const late = listen<RecordEvent>('websocket', RECORDS, { ...some, after: start });
    await insert(24_001, 24_500);
    await all.receive(24_500);
    const ids = ({ events }: typeof all) =>
      events.map(({ historyAppended: one }) => Number(one.recordId));
    expect(ids(all).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 24_500 }, (_, n) => n + 1),
    );
    for (const one of [few, late]) {
      await one.receive(some.filter.recordId.in.length);
      expect(ids(one).toSorted((a, b) => a - b)).toEqual(some.filter.recordId.in);
    }
  }, 90_000);

  it.each(['sse', 'websocket'] as const)(
    'ends who takes nothing of it over %s, with a reason, and holds up nobody',
    async (transport) => {
      await importText(gateway.database, [...PARENTS, EXAMPLE.task]);
      const stallMs = 1000;
      const { database } = gateway;
      const strict = await createTestGateway({ database, times: { stallMs } });
      const { port } = await strict.listen();
      const deaf = await deafSubscriber(transport, port);
      const other = listen<RecordEvent>('sse', RECORDS);
      await established(1);
      await eventually(() => expect(strict.subscriptions()).toBe(1));
      // More than connections take in unread.
      for (let n = 0; n < 8; n++) await insert(n * 1000 + 1, n * 1000 + 1000, 'x'.repeat(2000));
      await other.receive(8000);
      await sleep(stallMs + 100);
      await insert(8001, 8001);
      await other.receive(8001);
      deaf.listen();
      // Not by toContain: megabytes would be shown.
      await eventually(() => expect(deaf.received().includes('reads too slowly')).toBe(true));
      expect(deaf.received().includes('SERVICE_UNAVAILABLE')).toBe(true);
      await eventually(() => expect(strict.subscriptions()).toBe(0));
      deaf.end();
      await strict.close();
      expect(other.errors).toEqual([]);
    },
    90_000,
  );
});

it('a gateway that stops ends its subscriptions with a reason', async () => {
  const database = await createTestDatabase();
  const own = await createTestGateway({ database });
  const { url: ownUrl } = await own.listen();
  const events = subscribe('sse', ownUrl, TASKS);
  const messages = subscribe('websocket', ownUrl, TASKS);
  await eventually(() => expect(own.subscriptions()).toBe(2));
  own.stop();
  await events.ended;
  expect(events.errors).toMatchObject([{ extensions: { code: 'SERVICE_UNAVAILABLE' } }]);
  expect(await messages.ended).toMatchObject({ code: 1001 });
  const late = subscribe('sse', ownUrl, TASKS);
  await late.ended;
  expect(late.errors[0]!.message).toContain('is stopping');
  await own.close();
  await database.close();
});

it('each subscription has a line in the log, with its operation and its errors', async () => {
  const lineOf = (transport: string) =>
    gateway.logged.find((one) => one.operation === `Log${transport}` && one.msg === 'request');
  for (const transport of ['sse', 'websocket'] as const) {
    const one = subscribe(transport, url, `Log${transport} { taskChanged { taskId } }`);
    await established(1);
    await emptyTables(gateway.database);
    await importText(gateway.database, [...PARENTS, EXAMPLE.task]);
    await one.ended;
    await one.stop();
    await eventually(() => expect(lineOf(transport)).toBeDefined());
    expect(lineOf(transport)).toMatchObject({
      route: '/graphql',
      errorCodes: ['SERVICE_UNAVAILABLE'],
      requestId: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
    });
  }
});
