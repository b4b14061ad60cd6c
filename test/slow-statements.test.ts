import pino from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { watchForSlowness } from '../src/app/slow-statements.ts';
import { createMetrics } from '../src/metrics/metrics.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { readSeries } from './support/metrics.ts';

const SLOW = 'rosetta_gateway_slow_statements_total';
const DURATION = 'rosetta_gateway_statement_duration_seconds';

describe('of what is sent to the database', () => {
  afterEach(() => vi.useRealTimers());

  /** Watches a statement that takes some milliseconds. */
  async function after(
    durationMs: number,
    text = 'SELECT 1',
    error?: Error,
    slowStatementMs = 1000,
  ) {
    vi.useFakeTimers({ toFake: ['performance'] });
    const logged: string[] = [];
    const log = pino({}, { write: (line: string) => logged.push(line) });
    const metrics = createMetrics('0.0.0');
    const end = watchForSlowness(log, metrics, slowStatementMs)(text, undefined)!;
    vi.advanceTimersByTime(durationMs);
    end(error);
    const series = await readSeries(metrics);
    return { logged, slow: series.get(SLOW), series };
  }

  it('everything is counted, by whether it failed', async () => {
    const { series } = await after(30);
    expect(series.get(`${DURATION}_count{outcome="success"}`)).toBe(1);
    expect(series.get(`${DURATION}_sum{outcome="success"}`)).toBeCloseTo(0.03);
    const failed = await after(30, 'SELECT 1 / 0', new Error());
    expect(failed.series.get(`${DURATION}_count{outcome="error"}`)).toBe(1);
    expect(failed.series.has(`${DURATION}_count{outcome="success"}`)).toBe(false);
  });

  it('what takes as long as the limit, or longer, is logged', async () => {
    expect(await after(999)).toMatchObject({ logged: [], slow: 0 });
    const { logged, slow } = await after(1000);
    expect(slow).toBe(1);
    expect(logged.map((line) => JSON.parse(line) as object)).toMatchObject([
      { msg: 'slow statement', level: 40, durationMs: 1000, sql: 'SELECT 1' },
    ]);
    expect((await after(1001, 'SELECT 1 / 0', new Error())).slow).toBe(1);
  });

  it('nothing is, where that is off', async () => {
    expect(await after(3_600_000, 'SELECT 1', undefined, 0)).toMatchObject({ logged: [], slow: 0 });
  });

  it('no more is logged of a text than tells it from others', async () => {
    const { logged } = await after(1000, `SELECT '${'x'.repeat(100_000)}'`);
    expect(logged.join('').length).toBeLessThan(5000);
  });
});

describe('on a gateway', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await createTestGateway({
      environment: { GATEWAY_INGEST: 'on', GATEWAY_SLOW_STATEMENT: '50' },
    });
    const { prisma } = gateway.database;
    await prisma.$executeRawUnsafe(`CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql
      AS $$ BEGIN PERFORM pg_sleep(0.1); RETURN NULL; END $$`);
    await prisma.$executeRawUnsafe(`CREATE TRIGGER wait AFTER INSERT ON campaign
      FOR EACH STATEMENT EXECUTE FUNCTION wait()`);
  });
  afterAll(() => gateway.close());

  it('the line says what it was sent for, and has no parameters', async () => {
    const campaign = { id: 'c-1', projectId: '1', name: 'kept back', campaignType: 'POC' };
    const query = `mutation Put($campaign: CampaignInput!) {
      ingest(entities: [{ campaign: $campaign }]) { rejected }
    }`;
    const { headers, payload } = await gateway.inject({
      method: 'POST',
      url: '/graphql',
      headers: { 'content-type': 'application/json' },
      payload: JSON.stringify({ query, variables: { campaign } }),
    });
    expect(JSON.parse(payload)).toMatchObject({ data: { ingest: { rejected: 0 } } });
    const lines = gateway.logged.filter(
      ({ msg, sql }) => msg === 'slow statement' && /INSERT INTO "?campaign/.test(sql as string),
    );
    expect(lines).toMatchObject([
      { requestId: headers['x-request-id'], route: '/graphql', operation: 'Put' },
    ]);
    expect(lines[0]!.durationMs).toBeGreaterThanOrEqual(100);
    expect(JSON.stringify(gateway.logged)).not.toContain('kept back');
    expect((await readSeries(gateway.metrics)).get(SLOW)).toBeGreaterThanOrEqual(1);
  });

  it('waits for a connection are counted, where there are any to wait for', async () => {
    const count = async () =>
      (await readSeries(gateway.metrics)).get('rosetta_gateway_pool_wait_seconds_count');
    const before = await count();
    await gateway.gql('{ campaigns { totalCount } }');
    const isShared = gateway.database.kind === 'postgresql';
    expect((await count())! > before!).toBe(isShared);
  });
});
