import pg from 'pg';
import pino from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { openDatabase } from '../../src/database/database.ts';
import { createGuardedGateway, get, makeKey, signed256 } from '../support/callers.ts';
import type { Cluster } from '../support/cluster.ts';
import { runSql } from '../support/empty-database.ts';
import { eventually, startServer, type Server } from '../support/process.ts';
import { toEntity, INGEST } from '../support/ingest.ts';
import { subscribe } from '../support/subscriptions.ts';
import { ask, askGraphQL, readEnvelope } from './support/answers.ts';
import { expectUnharmed } from './support/fault.ts';
import { createStage, type Stage } from './support/stage.ts';
import { linesOf, WRITTEN_CAMPAIGN } from './support/writers.ts';

let stage: Stage;
let standby: Cluster;
/** A gateway on the standby. */
let gateway: Server;
beforeAll(async () => {
  stage = await createStage();
  standby = await stage.cluster.createStandby();
  gateway = await startServer({ GATEWAY_INGEST: 'on', DATABASE_URL: standby.url });
  await gateway.waitForLog('ready');
});
afterAll(async () => {
  await stage?.close();
  await standby?.close();
});

it('answers everything as the gateway on the primary does', async () => {
  for (const question of stage.questions) {
    expect(await question.ask(gateway.url), question.name).toBe(stage.right.get(question));
  }
});

interface Changes {
  entries: { type: string; id: string | number }[];
  watermark: string;
}

async function readChanges(after = ''): Promise<Changes> {
  const url = `${gateway.url}/changes?types=campaign,pool&campaignId=${WRITTEN_CAMPAIGN}&limit=1000${after && `&after=${after}`}`;
  return JSON.parse(readEnvelope('changes', await ask(url))) as Changes;
}

it('tells what a transaction changes that began before others and ended after them', async () => {
  const folder = `SELECT 1 FROM campaign WHERE id = '${WRITTEN_CAMPAIGN}' AND folder_name = 'late'`;
  const pool = `SELECT 1 FROM pool WHERE campaign_id = '${WRITTEN_CAMPAIGN}' AND name = 'early'`;
  const arrival = (sql: string) =>
    eventually(async () => expect(await runSql(standby.url, sql)).toHaveLength(1));
  const client = new pg.Client(stage.cluster.url);
  await client.connect();
  let first: Changes;
  try {
    await client.query('BEGIN');
    await client.query(`UPDATE campaign SET folder_name = 'late' WHERE id = '${WRITTEN_CAMPAIGN}'`);
    await stage.query(`UPDATE pool SET name = 'early' WHERE campaign_id = '${WRITTEN_CAMPAIGN}'`);
    await arrival(pool);
    first = await readChanges();
    await client.query('COMMIT');
  } finally {
    await client.end();
  }
  await arrival(folder);
  const { entries } = await readChanges(first.watermark);
  const told = [...first.entries, ...entries].map(({ type }) => type).sort();
  expect(entries.map(({ type }) => type)).toContain('campaign');
  expect(told).toEqual(['campaign', 'campaign', 'pool']);
});

const importInto = (url: string, batch: number) =>
  ask(`${url}/import?atomic=true`, { method: 'POST', body: linesOf(batch, 1).join('\n') });
const ingestInto = (url: string, batch: number) =>
  askGraphQL(url, INGEST, { entities: linesOf(batch, 1).map(toEntity), atomic: true });

it('lets nobody in whose signature may be used once only', async () => {
  const log = pino({ level: 'silent' });
  const open = (url: string) => openDatabase(readConfig({ DATABASE_URL: url }).database, log);
  const [primary, database] = await Promise.all([open(stage.cluster.url), open(standby.url)]);
  const guarded = await createGuardedGateway({ database });
  try {
    const key = await makeKey({ database: primary }, { kind: 'signed' });
    const url = '/changes?limit=1';
    // Until the key has arrived it is of somebody unknown.
    await eventually(async () =>
      expect((await get(guarded, signed256(key, { url }), url)).statusCode).toBe(503),
    );
  } finally {
    await guarded.close();
    await Promise.all([primary.close(), database.close()]);
  }
});

it('tells subscribers, and takes what is written as soon as it is promoted', async () => {
  const { text: now } = await askGraphQL(gateway.url, '{ watermark(types: [ANNOTATION_HISTORY]) }');
  const { data } = JSON.parse(now) as { data: { watermark: string } };
  const subscription = subscribe<{ historyAppended: { recordId: string } }>(
    'sse',
    gateway.url,
    '($after: String) { historyAppended(after: $after) { recordId } }',
    { after: data.watermark },
  );
  expect((await importInto(stage.gateway.url, 1)).status).toBe(200);
  await subscription.receive(1, 15_000);
  expect((await importInto(gateway.url, 2)).status).toBe(503);
  const refused = await ingestInto(gateway.url, 2);
  expect(refused.status).toBe(503);
  expect(refused.text).toContain('"code":"SERVICE_UNAVAILABLE"');

  await standby.promote();
  await eventually(async () => expect((await importInto(gateway.url, 2)).status).toBe(200));
  expect(JSON.parse((await ingestInto(gateway.url, 3)).text)).toMatchObject({
    data: { ingest: { created: 2 } },
  });
  const events = await subscription.receive(3, 15_000);
  expect(events.map(({ historyAppended }) => historyAppended.recordId)).toEqual(
    [1, 2, 3].map((batch) => String(1_000_000_000 + batch * 1000)),
  );
  await subscription.stop();
  expectUnharmed(gateway);
});
