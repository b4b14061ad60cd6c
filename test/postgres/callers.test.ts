import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { migrateDatabase, openDatabase, type Database } from '../../src/database/database.ts';
import {
  apiKey,
  ask,
  createGuardedGateway,
  expectRefused,
  get,
  makeKey,
  signed,
} from '../support/callers.ts';
import { createCluster, type Cluster } from '../support/cluster.ts';
import type { TestGateway } from '../support/gateway.ts';
import { EXAMPLE, importText, line } from '../support/import.ts';
import { eventually } from '../support/process.ts';
import { subscribe } from '../support/subscriptions.ts';

let cluster: Cluster;
let database: Database;
let gateway: TestGateway;
beforeAll(async () => {
  cluster = await createCluster();
  const config = readConfig({ DATABASE_URL: cluster.url });
  database = await openDatabase(config.database, pino({ level: 'silent' }));
  await migrateDatabase(database);
  await importText(database, Object.values(EXAMPLE));
  gateway = await createGuardedGateway({ database });
});
afterAll(async () => {
  await gateway?.close();
  await database?.close();
  await cluster?.close();
});

it('while the database is away nobody is told that he is unknown, and no subscription ends', async () => {
  const key = await makeKey(gateway);
  const signing = await makeKey(gateway, { kind: 'signed' });
  const { url } = await gateway.listen();
  const query = 'subscription { taskChanged { taskId } }';
  const living = (['sse', 'websocket'] as const).map((transport) =>
    subscribe(transport, url, '', {}, query, apiKey(key)),
  );
  await eventually(() => expect(gateway.subscriptions()).toBe(2));
  await cluster.stop();
  // What is known of the keys is forgotten, and asked for by the subscriptions.
  await sleep(5200);
  for (const headers of [apiKey(key), signed(signing), signed({ ...key, id: 'a'.repeat(24) })]) {
    const rest = await get(gateway, headers);
    expect([rest.statusCode, rest.envelope.code]).toEqual([503, 5000]);
    const graphql = await ask(gateway, headers);
    expect([graphql.statusCode, graphql.headers['retry-after']]).toEqual([503, '1']);
    expect(graphql.payload).toContain('SERVICE_UNAVAILABLE');
  }
  await expectRefused(gateway, {}, 'no credentials');
  await cluster.start();
  await eventually(async () => expect((await get(gateway, apiKey(key))).statusCode).toBe(200));
  await importText(database, [line('task', { status: '6' })]);
  for (const one of living) {
    await one.receive(1);
    expect(one.errors).toEqual([]);
    await one.stop();
  }
});

it('while the database is away nobody is told that he has asked too much, and a crash fills budgets', async () => {
  const spent = apiKey(await makeKey(gateway, { budget: 1 }));
  const overdrawn = async (on: TestGateway) => (await ask(on, spent)).statusCode;
  expect([await overdrawn(gateway), await overdrawn(gateway)]).toEqual([200, 429]);
  // Its block is less than what is asked.
  const key = apiKey(await makeKey(gateway, { budget: 5000 }));
  expect((await ask(gateway, key)).statusCode).toBe(200);
  await cluster.stop();
  const away = await ask(gateway, key);
  expect([away.statusCode, away.headers['retry-after']]).toEqual([503, '1']);
  expect(away.payload).toContain('SERVICE_UNAVAILABLE');
  await cluster.start();
  await eventually(async () => expect((await ask(gateway, key)).statusCode).toBe(200));
  // Who was told before that there is nothing left remembers that.
  expect(await overdrawn(gateway)).toBe(429);
  const other = await createGuardedGateway({ database });
  expect(await overdrawn(other)).toBe(200);
  await other.close();
});
