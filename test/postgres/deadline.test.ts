import { once } from 'node:events';
import { request, type ClientRequest } from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { openDatabase, type Database } from '../../src/database/database.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { importText, line } from '../support/import.ts';
import { INGEST, ingestOnce, toEntity } from '../support/ingest.ts';
import { eventually } from '../support/process.ts';

const CAMPAIGNS = 40;
const campaign = (n: number) =>
  line('campaign', { id: `"c-${n}"`, projectId: String(n), name: `"campaign ${n}"` });

/** Called with each statement when it is sent. */
let onStatement: ((sql: string) => void) | undefined;

let database: TestDatabase;
/** Somebody else who uses the database, and somebody who looks on: within a transaction one sees what was at its start. */
let other: pg.Client;
let observer: pg.Client;
/** Gateways that differ in their deadline, in milliseconds. */
const gateways = new Map<number, TestGateway>();
async function gatewayWith(timeoutMs: number): Promise<TestGateway> {
  let gateway = gateways.get(timeoutMs);
  if (!gateway) {
    const environment = {
      GATEWAY_INGEST: 'on',
      GATEWAY_REQUEST_TIMEOUT: String(timeoutMs),
    };
    gateways.set(timeoutMs, (gateway = await createTestGateway({ environment, database })));
  }
  return gateway;
}

beforeAll(async () => {
  database = await createTestDatabase({
    watch: (text) => {
      onStatement?.(text);
      return undefined;
    },
  });
  await importText(
    database,
    Array.from({ length: CAMPAIGNS }, (_, n) => campaign(n)),
  );
  other = new pg.Client(database.url);
  observer = new pg.Client(database.url);
  await Promise.all([other.connect(), observer.connect()]);
});
afterEach(async () => {
  onStatement = undefined;
  await other.query('ROLLBACK');
});
afterAll(async () => {
  for (const gateway of gateways.values()) await gateway.close();
  await Promise.all([other?.end(), observer?.end()]);
  await database?.close();
});

/** Makes whoever reads a table wait, until {@link unlock}. */
const lock = (table = 'campaign') =>
  other.query(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
const unlock = () => other.query('ROLLBACK');

/** What the gateways' connections are doing. */
async function underWay(): Promise<string[]> {
  const { rows } = await observer.query<{ state: string; query: string }>(
    `SELECT state, query FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'rosetta-gateway' AND state <> 'idle'`,
  );
  return rows.map(({ state, query }) => `${state}: ${query}`);
}

const countUnderWay = (count: number) =>
  eventually(async () => expect(await underWay()).toHaveLength(count), { everyMs: 10 });

/** Expects that nothing is under way any more, and that each connection answers right. */
async function expectClean(): Promise<void> {
  // Where several fields fail, the answer waits for the first of them.
  await countUnderWay(0);
  await eventually(() => expect(database.connections()).toMatchObject({ inUse: 0 }), {
    everyMs: 10,
  });
  await unlock();
  const gateway = await gatewayWith(60_000);
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => gateway.gql(named(n))));
  expect(answers).toEqual(Array.from({ length: 20 }, (_, n) => nameOf(n)));
}

const named = (n: number) =>
  `{ campaigns(filter: { campaignId: { eq: "c-${n}" } }) { nodes { name } } }`;
const nameOf = (n: number) => ({ campaigns: { nodes: [{ name: `campaign ${n}` }] } });

/** Sends an operation over a connection of its own, which can be hung up. */
function post(
  port: number,
  body: object,
  headers: Record<string, string> = {},
): { call: ClientRequest; answer: Promise<{ status: number; text: string } | undefined> } {
  const call = request({
    port,
    method: 'POST',
    path: '/graphql',
    agent: false,
    headers: { 'content-type': 'application/json', ...headers },
  });
  const answer = new Promise<{ status: number; text: string } | undefined>((resolve) => {
    call.on('close', () => resolve(undefined));
    call.on('error', () => resolve(undefined));
    call.on('response', (res) => {
      let text = '';
      res.on('data', (data) => (text += String(data)));
      res.on('end', () => resolve({ status: res.statusCode!, text }));
    });
  });
  call.end(JSON.stringify(body));
  return { call, answer };
}

describe('what takes too long', () => {
  it('is stopped and told TIMEOUT, however many statements it has', async () => {
    const gateway = await gatewayWith(300);
    await lock();
    const errors = await gateway.gqlErrors(
      `{ a: campaigns { nodes { name } } b: campaigns { totalCount }
         ${Array.from({ length: 30 }, (_, n) => `c${n}: campaigns(filter: { campaignId: { eq: "c-${n}" } }) { totalCount }`).join('\n')} }`,
    );
    expect(new Set(errors.map(({ extensions }) => extensions?.code))).toEqual(new Set(['TIMEOUT']));
    await expectClean();
    const lines = gateway.logged.filter(({ level }) => (level as number) >= 40);
    expect(lines).toMatchObject([
      {
        level: 40,
        msg: 'The answer took longer than is allowed.',
        err: { type: 'RequestOverError' },
      },
    ]);
  });

  it('is told by REST as a statement that took too long', async () => {
    const gateway = await gatewayWith(300);
    await lock('task');
    const { statusCode, envelope } = await gateway.rest({
      url: '/statistics?annotationRequestId=ar-1',
    });
    expect([statusCode, envelope.code, envelope.data]).toEqual([500, 5000, null]);
    await expectClean();
  });

  it('is stopped in a late part of an answer too', async () => {
    const gateway = await gatewayWith(300);
    await lock('pool');
    const { payload } = await gateway.inject({
      method: 'POST',
      url: '/graphql',
      headers: { 'content-type': 'application/json', accept: 'multipart/mixed' },
      payload: JSON.stringify({ query: '{ __typename ... @defer { pools { totalCount } } }' }),
    });
    expect(payload.indexOf('"__typename":"Query"')).toBeGreaterThan(0);
    expect(payload.indexOf('"code":"TIMEOUT"')).toBeGreaterThan(payload.indexOf('"hasNext":true'));
    await expectClean();
  });

  it('is stopped while it waits for a connection', async () => {
    const gateway = await gatewayWith(300);
    await lock();
    const answers = await Promise.all(
      Array.from({ length: 25 }, (_, n) => gateway.gqlErrors(named(n))),
    );
    for (const [error] of answers) expect(error!.extensions?.code).toBe('TIMEOUT');
    await expectClean();
  });
});

describe('who hangs up', () => {
  it('has his statement stopped, and those who waited behind him get his connection', async () => {
    const gateway = await gatewayWith(60_000);
    const { port } = await gateway.listen();
    await lock();
    const before = gateway.logged.length;
    const calls = Array.from({ length: 25 }, () => post(port, { query: named(1) }));
    await countUnderWay(10);
    await eventually(() => expect(database.connections()).toMatchObject({ waiting: 15 }));
    for (const { call } of calls) call.destroy();
    await countUnderWay(0);
    await expectClean();
    const lines = gateway.logged.slice(before).filter(({ aborted }) => aborted);
    expect(lines).toHaveLength(25);
    expect(gateway.logged.slice(before).filter(({ level }) => (level as number) >= 40)).toEqual([]);
  });

  it('harms nobody else', async () => {
    const gateway = await gatewayWith(60_000);
    const { port } = await gateway.listen();
    let isOver = false;
    const blocking = (async () => {
      while (!isOver) {
        await lock();
        await sleep(5);
        await unlock();
        await sleep(1);
      }
    })();
    for (let round = 0; round < 3; round++) {
      const calls = await Promise.all(
        Array.from({ length: 100 }, async (_, i) => {
          const n = i % CAMPAIGNS;
          const { call, answer } = post(port, { query: named(n) });
          const hangsUp = Math.random() < 0.5;
          if (hangsUp) setTimeout(() => call.destroy(), Math.random() * 60);
          return { n, hangsUp, answer: await answer };
        }),
      );
      for (const { n, hangsUp, answer } of calls) {
        if (!hangsUp || answer) expect(JSON.parse(answer!.text)).toMatchObject({ data: nameOf(n) });
      }
    }
    isOver = true;
    await blocking;
    await expectClean();
  });
});

describe('a mutation', () => {
  const stored = (id: string) => database.prisma.campaign.count({ where: { id } });
  const entity = (id: string, n: number) =>
    line('campaign', { id: `"${id}"`, projectId: String(n), name: `"${id}"` });

  it('that was stopped frees its key, and is written once by a repeat', async () => {
    const gateway = await gatewayWith(300);
    await lock();
    const first = await ingestOnce(gateway, 'stopped', [entity('m-1', 1001)]);
    expect(first.answer.errors?.[0]?.extensions?.code).toBe('TIMEOUT');
    expect(await underWay()).toEqual([]);
    await unlock();
    const again = await ingestOnce(gateway, 'stopped', [entity('m-1', 1001)]);
    expect(again.answer.data?.ingest).toMatchObject({ created: 1 });
    expect(again.response.headers).not.toHaveProperty('idempotent-replayed');
    const repeat = await ingestOnce(gateway, 'stopped', [entity('m-1', 1001)]);
    expect(repeat.answer).toEqual(again.answer);
    expect(repeat.response.headers['idempotent-replayed']).toBe('true');
    expect(await stored('m-1')).toBe(1);
  });

  /** Holds everything up, the event loop too, when a statement is sent. */
  const holdUpAt = (pattern: RegExp, ms: number) => {
    onStatement = (sql) => {
      if (!pattern.test(sql)) return;
      onStatement = undefined;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    };
  };

  it('whose deadline comes with its commit is written and told so', async () => {
    const gateway = await gatewayWith(300);
    holdUpAt(/^COMMIT/, 500);
    const { answer } = await ingestOnce(gateway, 'commit', [entity('m-2', 1002)]);
    expect(onStatement).toBeUndefined();
    expect(answer.data?.ingest).toMatchObject({ created: 1 });
    expect(await stored('m-2')).toBe(1);
  });

  it('whose deadline comes before its commit is not written, and told so', async () => {
    const gateway = await gatewayWith(300);
    holdUpAt(/INSERT INTO "?campaign/i, 500);
    const { answer } = await ingestOnce(gateway, 'before', [entity('m-3', 1003)]);
    expect(onStatement).toBeUndefined();
    expect(answer.errors?.[0]?.extensions?.code).toBe('TIMEOUT');
    expect(await stored('m-3')).toBe(0);
    await expectClean();
  });

  it('whose caller hangs up at its commit is kept for his repeat', async () => {
    const gateway = await gatewayWith(60_000);
    const { port } = await gateway.listen();
    const body = { query: INGEST, variables: { entities: [toEntity(entity('m-4', 1004))] } };
    const { call, answer: none } = post(port, body, { 'idempotency-key': 'hung-up' });
    onStatement = (sql) => {
      if (sql.startsWith('COMMIT')) call.destroy();
    };
    expect(await none).toBeUndefined();
    const repeat = await eventually(async () => {
      const answer = await post(port, body, { 'idempotency-key': 'hung-up' }).answer;
      expect(answer?.status).toBe(200);
      return answer!;
    });
    expect(JSON.parse(repeat.text)).toMatchObject({ data: { ingest: { created: 1 } } });
    expect(await stored('m-4')).toBe(1);
  });

  it('is never told TIMEOUT where it was written, whenever its deadline comes', async () => {
    const started = performance.now();
    await ingestOnce(await gatewayWith(60_000), 'r', [entity('r', 2000)]);
    const usualMs = performance.now() - started;
    const told = new Set<string>();
    for (let n = 1; n <= 36; n++) {
      const id = `r-${n}`;
      const gateway = await gatewayWith(Math.ceil((usualMs * (1 + (n % 12))) / 6));
      const { answer } = await ingestOnce(gateway, id, [entity(id, 2000 + n)]);
      const code = answer.errors?.[0]?.extensions?.code ?? 'written';
      told.add(code);
      expect([code, await stored(id)]).toEqual(
        code === 'written' ? ['written', 1] : ['TIMEOUT', 0],
      );
    }
    expect(told).toEqual(new Set(['written', 'TIMEOUT']));
    expect(await database.prisma.idempotencyKey.count({ where: { answer: null } })).toBe(0);
  });
});

it('a server that hears no cancel holds nobody up for long', async () => {
  const { hostname, port } = new URL(database.url!);
  const pairs: Socket[] = [];
  let isDeaf = false;
  const proxy = createServer((socket) => {
    pairs.push(socket.on('error', () => {}));
    if (isDeaf) return;
    const server = connect(Number(port), hostname).on('error', () => {});
    pairs.push(server);
    socket.pipe(server).pipe(socket);
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  const url = new URL(database.url!);
  url.hostname = '127.0.0.1';
  url.port = String((proxy.address() as AddressInfo).port);
  const { database: config } = readConfig({ DATABASE_URL: url.href });
  const far: Database = await openDatabase(config, pino({ level: 'silent' }));
  const gateway = await createTestGateway({
    environment: { GATEWAY_REQUEST_TIMEOUT: '300' },
    database: far,
  });
  try {
    await gateway.gql(named(1));
    await lock();
    isDeaf = true;
    const started = performance.now();
    const [error] = await gateway.gqlErrors(named(1));
    expect(error!.extensions?.code).toBe('TIMEOUT');
    expect(performance.now() - started).toBeLessThan(5000);
    expect(far.connections()).toMatchObject({ inUse: 0, idle: 0 });
    isDeaf = false;
    await unlock();
    expect(await gateway.gql(named(2))).toEqual(nameOf(2));
  } finally {
    await gateway.close();
    await far.close();
    for (const socket of pairs) socket.destroy();
    proxy.close();
  }
});
