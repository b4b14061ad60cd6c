import { readFileSync } from 'node:fs';
import pg from 'pg';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { migrateDatabase, openDatabase, type Database } from '../../src/database/database.ts';
import { simulate } from '../../src/simulator/simulate.ts';
import { createCluster, type Cluster } from '../support/cluster.ts';
import { apiKey, ask, createGuardedGateway, get, makeKey, signed256 } from '../support/callers.ts';
import { importEntities } from '../support/rows.ts';
import { toImportLine } from '../../src/simulator/format.ts';

/** What README tells operators to grant is enough for the gateway, and not for more. */

const script = (name: string) =>
  readFileSync(new URL(`../../ops/${name}`, import.meta.url), 'utf8');
const log = pino({ level: 'silent' });

let cluster: Cluster;
let admin: pg.Client;
let owner: Database;
const urlFor = (role: string) => {
  const url = new URL(cluster.url);
  url.username = role;
  url.pathname = '/rosetta';
  return url.href;
};
const openAs = (role: string) =>
  openDatabase(readConfig({ DATABASE_URL: urlFor(role) }).database, log);

beforeAll(async () => {
  cluster = await createCluster();
  await cluster.start();
  const first = new pg.Client(cluster.url);
  await first.connect();
  await first.query(script('roles.sql'));
  await first.query('CREATE DATABASE rosetta OWNER rosetta_owner');
  await first.end();
  owner = await openAs('rosetta_owner');
  await migrateDatabase(owner);
  admin = new pg.Client(Object.assign(new URL(cluster.url), { pathname: '/rosetta' }).href);
  await admin.connect();
  await admin.query(script('grants.sql'));
  await importEntities(owner, simulate({ tasks: 5 }));
});
afterAll(async () => {
  await admin?.end();
  await owner?.close();
  await cluster?.close();
});

/** The privileges of a role on the tables. */
async function privilegesOf(role: string): Promise<Record<string, string>> {
  const { rows } = await admin.query<{ table: string; may: string }>(
    `SELECT relname AS table, (SELECT string_agg(p, ' ') FROM unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) AS p
       WHERE has_table_privilege($1, pg_class.oid, p)) AS may
     FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'`,
    [role],
  );
  return Object.fromEntries(rows.map(({ table, may }) => [table, may]));
}

/** The tables whose rows are put in, with what else is only read by who serves. */
const READ = [
  'campaign',
  'annotation_request',
  'pool',
  'task',
  'annotation_history',
  'deleted_row',
  'change_history',
  'access_key',
  '_prisma_migrations',
];

describe('the role that serves', () => {
  it('reads what is shown, and writes only what gateways note for each other', async () => {
    const may = await privilegesOf('rosetta_gateway');
    for (const table of READ) expect(may[table], table).toBe('SELECT');
    const { idempotency_key: answers, ...others } = may;
    expect(answers).toBeNull();
    for (const [table, privileges] of Object.entries(others)) {
      if (!READ.includes(table)) expect(privileges, table).toBe('SELECT INSERT UPDATE DELETE');
    }
  });

  it('answers every kind of caller, who may not put data in', async () => {
    const database = await openAs('rosetta_gateway');
    const gateway = await createGuardedGateway({
      database,
      environment: { GATEWAY_INGEST: 'off', GATEWAY_MIGRATE: 'off', GATEWAY_BUDGET: '1000000' },
    });
    const api = await makeKey({ database: owner });
    const signed = await makeKey({ database: owner }, { kind: 'signed' });
    const url = '/changes?limit=1000';
    expect((await get(gateway, apiKey(api), url)).envelope.code).toBe(2000);
    const signature = signed256(signed, { url });
    expect((await get(gateway, signature, url)).envelope.code).toBe(2000);
    // Its nonce is used up.
    expect((await get(gateway, signature, url)).envelope.code).toBe(401);
    const query =
      '{ campaigns { nodes { workload { totalCount } flow { throughput { tasks } } } } }';
    expect(JSON.parse((await ask(gateway, apiKey(api), query)).payload)).not.toHaveProperty(
      'errors',
    );
    const exported = await gateway.inject({ url: '/export/all', headers: apiKey(api) });
    expect(exported.payload).toContain('exportEnd');
    await gateway.close();
    await database.close();
  });
});

it('the role that takes data in adds and updates, by ingest and by import, and deletes nothing', async () => {
  const database = await openAs('rosetta_ingest');
  const gateway = await createGuardedGateway({ database });
  const headers = {
    ...apiKey(await makeKey({ database: owner }, { role: 'admin' })),
    'Idempotency-Key': 'once',
  };
  const payload = [...simulate({ tasks: 7 })].map(toImportLine).join('\n');
  for (const atomic of [false, true]) {
    const answer = await gateway.rest({
      method: 'POST',
      url: `/import?atomic=${atomic}`,
      headers: { ...headers, 'Idempotency-Key': `import-${atomic}` },
      payload,
    });
    expect(answer.envelope).toMatchObject({ code: 2000, data: { rejected: 0 } });
  }
  const mutation =
    'mutation { ingest(entities: [{ campaign: { id: "new", projectId: 7, name: "new", campaignType: POC } }]) { created } }';
  expect(JSON.parse((await ask(gateway, headers, mutation)).payload)).toMatchObject({
    data: { ingest: { created: 1 } },
  });
  await gateway.close();
  await expect(database.prisma.$executeRaw`DELETE FROM task`).rejects.toThrow('permission denied');
  await expect(
    database.prisma.$executeRaw`UPDATE annotation_history SET instance_num = 0`,
  ).rejects.toThrow('permission denied');
  await database.close();
});
