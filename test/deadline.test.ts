import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { EXAMPLE, importText, line } from './support/import.ts';
import { ingestOnce, postImport, type ImportReport } from './support/ingest.ts';
import { subscribe } from './support/subscriptions.ts';

const TIMEOUT_MS = 50;

/** The statements sent on behalf of the request. */
let sent: string[] = [];
/** Whether the next statement of these takes longer than a request may. */
let isSlow = false;

let database: TestDatabase;
/** Its deadline is over soon; the other's is not. */
let gateway: TestGateway;
let patient: TestGateway;
beforeAll(async () => {
  database = await createTestDatabase({
    watch: (text, request) => {
      if (request) sent.push(text);
      if (request && isSlow) {
        isSlow = false;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * TIMEOUT_MS);
      }
      return undefined;
    },
  });
  await importText(database, Object.values(EXAMPLE));
  const environment = { GATEWAY_INGEST: 'on' };
  patient = await createTestGateway({ environment, database });
  gateway = await createTestGateway({
    environment: { ...environment, GATEWAY_REQUEST_TIMEOUT: String(TIMEOUT_MS) },
    database,
  });
});
beforeEach(() => {
  sent = [];
  isSlow = false;
});
afterAll(async () => {
  await gateway?.close();
  await patient?.close();
  await database?.close();
});

describe('after the deadline', () => {
  it('no statement is sent', async () => {
    const query = '{ campaigns { nodes { name tasks { totalCount aggregate { count } } } } }';
    await patient.gql(query);
    const whole = sent.length;
    sent = [];
    isSlow = true;
    const [error] = await gateway.gqlErrors(query);
    expect(error).toMatchObject({
      message: 'The answer took longer than is allowed.',
      extensions: { code: 'TIMEOUT' },
    });
    expect(sent.length).toBeLessThan(whole);
    expect(gateway.logged.at(-1)).toMatchObject({ status: 200, errorCodes: ['TIMEOUT'] });
    await patient.gql(query);
  });

  it('a mutation gives its key back', async () => {
    const entity = line('campaign', { id: '"late"', projectId: '77', name: '"late"' });
    isSlow = true;
    const { answer } = await ingestOnce(gateway, 'late', [entity]);
    expect(answer.errors).toMatchObject([{ extensions: { code: 'TIMEOUT' } }]);
    expect(await database.prisma.idempotencyKey.count()).toBe(0);
    const repeat = await ingestOnce(patient, 'late', [entity]);
    expect(repeat.answer.data!.ingest.created).toBe(1);
  });
});

describe('what may last', () => {
  it('is an import', async () => {
    isSlow = true;
    const { status, report } = await postImport(gateway, Object.values(EXAMPLE).join('\n'));
    expect([status, (report satisfies ImportReport).rejected]).toEqual([200, 0]);
    expect(isSlow).toBe(false);
  });

  it('is an export', async () => {
    isSlow = true;
    const { statusCode, payload } = await gateway.inject({ url: '/export/all' });
    expect(statusCode).toBe(200);
    expect(payload.trimEnd().split('\n').at(-1)).toContain('"type":"exportEnd"');
  });

  it('is a subscription', async () => {
    const lastingMs = 1000;
    const listening = await createTestGateway({
      environment: { GATEWAY_REQUEST_TIMEOUT: String(lastingMs) },
      database,
    });
    const { url } = await listening.listen();
    const subscription = subscribe<{ progressChanged: { total: number } }>(
      'sse',
      url,
      '{ progressChanged(annotationRequestId: "ar-1") { total } }',
    );
    await subscription.receive(1);
    await new Promise((resolve) => setTimeout(resolve, 1.1 * lastingMs));
    await importText(database, line('task', { id: '5000', sceneId: '"another"' }));
    expect(await subscription.receive(2)).toMatchObject([
      { progressChanged: { total: 1 } },
      { progressChanged: { total: 2 } },
    ]);
    expect(subscription.errors).toEqual([]);
    await subscription.stop();
    await listening.close();
  });
});
