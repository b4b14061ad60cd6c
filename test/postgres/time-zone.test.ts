import { afterAll, beforeAll, expect, it } from 'vitest';
import pino from 'pino';
import { readConfig } from '../../src/config/config.ts';
import { migrateDatabase, openDatabase, type Database } from '../../src/database/database.ts';
import { createEmptyDatabase, type EmptyDatabase } from '../support/empty-database.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { importText } from '../support/rows.ts';

let empty: EmptyDatabase;
let database: Database;
let gateway: TestGateway;

/** Instants as an import file writes them, and the milliseconds since 1970 that they are. */
const INSTANTS = [
  ['2025-04-01T10:00:00.123Z', Date.UTC(2025, 3, 1, 10, 0, 0, 123)],
  ['2025-04-01T00:30:00+08:00', Date.UTC(2025, 2, 31, 16, 30)],
  ['2025-12-31T23:59:59.999-11:00', Date.UTC(2026, 0, 1, 10, 59, 59, 999)],
  // Shanghai put its clocks back in this hour, which its local time has twice.
  ['1991-09-14T16:30:00Z', Date.UTC(1991, 8, 14, 16, 30)],
  ['1991-09-14T15:30:00Z', Date.UTC(1991, 8, 14, 15, 30)],
] as const;

const record = (id: number, createdTime: string) =>
  JSON.stringify({
    type: 'annotationHistory',
    id,
    taskId: 1,
    status: 2,
    poolId: 1,
    createdTime,
    actionType: 5,
    instanceInfo: {},
    instanceNum: 0,
    instanceSum: 0,
    attributesNum: 0,
    attributesSum: 0,
    frameCount: 1,
  });

const ROWS = [
  '{"type":"campaign","id":"c-1","projectId":1,"name":"C","campaignType":"POC"}',
  `{"type":"annotationRequest","id":"ar-1","name":"AR","campaignId":"c-1","createdAt":"${INSTANTS[1][0]}"}`,
  '{"type":"pool","id":1,"name":"P","poolType":1,"campaignId":"c-1"}',
  '{"type":"task","id":1,"annotationRequestId":"ar-1","sceneId":"s","status":2,"poolId":1,"instanceInfo":{},"instanceNum":0,"attributeNum":0,"frameNum":1}',
  ...INSTANTS.map(([text], index) => record(index + 1, text)),
].join('\n');

beforeAll(async () => {
  empty = await createEmptyDatabase();
  await empty.query(
    `ALTER DATABASE ${new URL(empty.url).pathname.slice(1)} SET timezone TO 'Asia/Shanghai'`,
  );
  expect(await empty.query('SHOW timezone')).toEqual([{ TimeZone: 'Asia/Shanghai' }]);
  // Options of the address's own must not take the place of the gateway's.
  const url = new URL(empty.url);
  url.searchParams.set('options', '-c timezone=America/New_York -c geqo=off');
  const { database: config } = readConfig({ DATABASE_URL: url.href });
  database = await openDatabase(config, pino({ level: 'silent' }));
  await migrateDatabase(database);
  gateway = await createTestGateway({ database });
  await importText(database, ROWS);
});
afterAll(async () => {
  await gateway?.close();
  await database?.close();
  await empty?.close();
});

it('is UTC on every connection, whatever the database and the address say', async () => {
  const settings = () =>
    database.prisma
      .$queryRaw`SELECT current_setting('timezone') AS zone, current_setting('geqo') AS geqo`;
  const all = await Promise.all(Array.from({ length: 20 }, settings));
  expect(new Set(all.map((rows) => JSON.stringify(rows)))).toEqual(
    new Set(['[{"zone":"UTC","geqo":"off"}]']),
  );
});

it('stores imported instants exactly', async () => {
  const rows = await empty.query<{ ms: string }>(
    `SELECT (extract(epoch FROM created_time) * 1000)::bigint AS ms FROM annotation_history ORDER BY id`,
  );
  expect(rows.map(({ ms }) => Number(ms))).toEqual(INSTANTS.map(([, ms]) => ms));
  const requests = await empty.query(
    `SELECT (extract(epoch FROM created_at) * 1000)::bigint AS ms FROM annotation_request`,
  );
  expect(requests).toEqual([{ ms: `${INSTANTS[1][1]}` }]);
});

it('shows them exactly by GraphQL and by REST', async () => {
  const data = await gateway.gql<{
    annotationHistory: { nodes: { createdTime: string }[] };
    annotationRequest: { createdAt: string };
  }>(
    '{ annotationHistory { nodes { createdTime } } annotationRequest(annotationRequestId: "ar-1") { createdAt } }',
  );
  const iso = INSTANTS.map(([, ms]) => new Date(ms).toISOString());
  expect(data.annotationHistory.nodes.map(({ createdTime }) => createdTime)).toEqual(iso);
  expect(data.annotationRequest.createdAt).toBe(iso[1]);

  const url = '/statistics/record?annotationRequestId=ar-1';
  const { envelope } = await gateway.rest({ url });
  expect((envelope.data as { created_time: string }[]).map((row) => row.created_time)).toEqual(
    iso.map((text) => text.slice(0, 19).replace('T', ' ')),
  );
});

it('finds the same instants in a second import', async () => {
  await importText(database, ROWS);
  expect(await empty.query('SELECT count(*)::int AS records FROM annotation_history')).toEqual([
    { records: INSTANTS.length },
  ]);
});
