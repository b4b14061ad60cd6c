import { setTimeout as sleep } from 'node:timers/promises';
import { constants, gunzipSync } from 'node:zlib';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../src/config/config.ts';
import { openDatabase } from '../src/database/database.ts';
import { getLines, openExport, readLines, readToClose } from './support/export.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { importText } from './support/import.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';

const LIMITS = { GATEWAY_MAX_EXPORTS: '2' };
const STALL_MS = 800;
/** More than the sockets of the system hold between two that are on one machine. */
const CAMPAIGNS = 100;
const FOLDER_LENGTH = 300_000;

let database: TestDatabase;
let gateway: TestGateway;
let port: number;
beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await createTestGateway({
    database,
    environment: LIMITS,
    times: { stallTimeoutMs: STALL_MS },
  });
  ({ port } = await gateway.listen());
  await database.prisma.$executeRawUnsafe(
    `INSERT INTO campaign (id, project_id, name, campaign_type, folder_name)
     SELECT 'c-' || lpad(n::text, 3, '0'), n, 'campaign ' || n, 'POC', repeat('x', ${FOLDER_LENGTH})
     FROM generate_series(1, ${CAMPAIGNS}) n`,
  );
});
afterEach(() => {
  gateway.logged.length = 0;
});
afterAll(async () => {
  await gateway.close();
  await database.close();
});

const endings = () => gateway.logged.filter(({ msg }) => msg === 'export broke off');
const requests = () => gateway.logged.filter(({ msg }) => msg === 'request');

/** What an export that broke off says at its end, all of its rows being whole. */
function brokenEnd(text: string): Record<string, unknown> {
  const { rows, end } = readLines(text);
  expect(end).toMatchObject({ type: 'exportBroken', rows: rows.length });
  for (const row of rows) expect(JSON.parse(row)).toMatchObject({ type: 'campaign' });
  return end;
}

describe('a reader', () => {
  it('who takes nothing is ended, after a whole row, and told', async () => {
    const response = await openExport(port, '/export/all');
    await expect.poll(endings).toHaveLength(1);
    expect(endings()[0]).toMatchObject({
      level: 40,
      reason: 'the reader took nothing for too long',
    });
    const { text, isWhole } = await readToClose(response);
    expect(isWhole).toBe(false);
    const { rows, reason } = brokenEnd(text);
    expect(reason).toBe('the reader took nothing for too long');
    // What was read ahead of him is what the sockets of the system hold.
    expect(text.length).toBeLessThan((CAMPAIGNS * FOLDER_LENGTH) / 2);
    await expect.poll(requests).toMatchObject([{ route: '/export/all', rows, aborted: true }]);
    expect(requests()[0]!.bytes).toBe(Buffer.byteLength(text));
  });

  it('who is slow gets all of it, and holds up nobody', async () => {
    const response = await openExport(port, '/export/all');
    const chunks: Buffer[] = [];
    let answered = 0;
    const started = performance.now();
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      // In all longer than one may take nothing.
      if (chunks.length % 15 === 0 && performance.now() - started < 2 * STALL_MS) {
        await gateway.gql('{ campaigns { totalCount } }');
        answered++;
        await sleep(50);
      }
    }
    expect(performance.now() - started).toBeGreaterThan(STALL_MS);
    expect(answered).toBeGreaterThan(0);
    expect(response.complete).toBe(true);
    expect(readLines(Buffer.concat(chunks).toString()).rows).toHaveLength(CAMPAIGNS);
  });

  it('who is gone ends it', async () => {
    const response = await openExport(port, '/export/all');
    await sleep(50);
    response.destroy();
    await expect.poll(endings).toMatchObject([{ reason: 'the reader is gone' }]);
    await expect.poll(requests).toMatchObject([{ route: '/export/all', aborted: true }]);
    expect((await getLines(gateway, 'all')).rows).toHaveLength(CAMPAIGNS);
  });
});

describe('a gateway that stops', () => {
  it.each([
    ['identity', (bytes: Buffer) => bytes],
    ['gzip', (bytes: Buffer) => gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH })],
  ])('ends an export after a whole row, as %s, and says so', async (encoding, unpack) => {
    const stop = new AbortController();
    const stopped = await createTestGateway({ database, stopping: stop.signal });
    const { port } = await stopped.listen();
    const response = await openExport(port, '/export/all', { 'accept-encoding': encoding });
    const chunks: Buffer[] = [];
    const ended = new Promise<void>((resolve) => response.once('close', resolve));
    response.on('error', () => undefined);
    response.once('data', () => stop.abort());
    response.on('data', (chunk: Buffer) => chunks.push(chunk)).resume();
    await ended;
    expect(response.complete).toBe(false);
    const text = unpack(Buffer.concat(chunks)).toString();
    expect(brokenEnd(text).reason).toBe('the gateway is stopping');
    // Nobody who imports it takes it for the whole.
    const { rejected, summary } = await importText(database, text);
    expect(rejected.map(({ message }) => message)).toEqual([
      expect.stringContaining('broke off (the gateway is stopping)'),
    ]);
    expect(summary.types.campaign.unchanged).toBe(readLines(text).rows.length);
    await stopped.close();
  });

  it('begins none', async () => {
    const stopped = await createTestGateway({ database, stopping: AbortSignal.abort() });
    const { statusCode, headers, envelope } = await stopped.rest({ url: '/export/all' });
    expect([statusCode, envelope.code, envelope.data]).toEqual([503, 5000, null]);
    expect(headers).toMatchObject({ 'content-type': 'application/json; charset=utf-8' });
    expect(headers['x-export-watermark']).toBeUndefined();
  });
});

describe('a database that cannot be reached', () => {
  it('is answered with 503', async () => {
    const { database: config } = readConfig({ DATABASE_URL: 'postgresql://x@127.0.0.1:1/x' });
    const lost = await openDatabase(config, pino({ level: 'silent' }));
    const closed = await createTestGateway({ database: lost });
    for (const url of ['/export/all', '/export/workload?format=csv']) {
      const { statusCode, headers, envelope } = await closed.rest({ url });
      expect([statusCode, envelope.code, envelope.data]).toEqual([503, 5000, null]);
      expect(headers['retry-after']).toBe('1');
      expect(headers['x-export-error']).toBeUndefined();
    }
    await lost.close();
  });
});

describe('more exports than are allowed at once', () => {
  it('are refused until one has ended', async () => {
    // Nobody is ended meanwhile because he takes nothing.
    const patient = await createTestGateway({ database, environment: LIMITS });
    const listening = await patient.listen();
    const open = await Promise.all([1, 2].map(() => openExport(listening.port, '/export/all')));
    const { statusCode, headers, envelope } = await patient.rest({ url: '/export/tasks' });
    expect([statusCode, envelope.code]).toEqual([503, 5000]);
    expect(headers['retry-after']).toBe('10');
    expect(headers['x-export-error']).toBe(
      'There are 2 exports under way, as many as are allowed at once.',
    );
    // The others are not held up.
    await patient.gql('{ campaigns { totalCount } }');
    open[0]!.destroy();
    await expect
      .poll(async () => (await patient.inject({ url: '/export/tasks' })).statusCode)
      .toBe(200);
    expect((await readToClose(open[1]!)).isWhole).toBe(true);
    await patient.close();
  });
});
