import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { emptyTables, EXAMPLE, line } from './support/import.ts';
import { INGEST, ingestOnce, postImport } from './support/ingest.ts';

const LEASE_MS = 600;
const options = {
  environment: { GATEWAY_INGEST: 'on' },
  times: { keyTimes: { leaseMs: LEASE_MS } },
};

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await createTestGateway(options);
});
afterEach(async () => {
  await gateway.database.prisma.idempotencyKey.deleteMany();
  await emptyTables(gateway.database);
});
afterAll(() => gateway.close());

const EVERYTHING = Object.values(EXAMPLE);
const TEXT = EVERYTHING.join('\n');
const post = (key: string, body: string | Buffer = TEXT, path = '/import', headers = {}) =>
  postImport(gateway, body, { path, headers: { ...headers, 'idempotency-key': key } });
const keys = () => gateway.database.prisma.idempotencyKey.findMany();

/** Another gateway on the same database: a copy, or the same one after a restart. */
const anotherGateway = () => createTestGateway({ ...options, database: gateway.database });

/** Holds every write up until it is called back. */
function holdDatabase(): { release: () => void; done: Promise<void> } {
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const done = gateway.database.prisma.$transaction(
    async (tx) => {
      await tx.$executeRawUnsafe('LOCK TABLE campaign IN ACCESS EXCLUSIVE MODE');
      await held;
    },
    { timeout: 30_000 },
  );
  return { release, done };
}

/** Somebody who has taken a key and says no more. */
async function leaveRun(key: string, seconds: number) {
  await gateway.database.prisma.$executeRawUnsafe(
    `INSERT INTO idempotency_key (key, purpose, run_id, expires_at)
     VALUES ('${key}', 'mutation', 'somebody', now() + interval '${seconds} s')`,
  );
}

describe('a key of POST /import', () => {
  it('gives a repeat the first answer, and writes nothing', async () => {
    const first = await post('k1', `${TEXT}\n[]`);
    expect(first.report).toMatchObject({ lines: 6, rejected: 1, types: { task: { created: 1 } } });
    expect(first.headers['idempotent-replayed']).toBeUndefined();
    await emptyTables(gateway.database);
    const again = await post('k1', `${TEXT}\n[]`, '/rosetta-open/import');
    expect(again.status).toBe(200);
    expect(again.report).toEqual(first.report);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(again.envelope.requestId).not.toBe(first.envelope.requestId);
    expect(await gateway.database.prisma.campaign.count()).toBe(0);
    expect((await post('k2', `${TEXT}\n[]`)).headers['idempotent-replayed']).toBeUndefined();
  });

  it('outlives a restart', async () => {
    await post('k');
    const restarted = await anotherGateway();
    const again = await postImport(restarted, TEXT, { headers: { 'idempotency-key': 'k' } });
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(again.report.types.task).toMatchObject({ created: 1 });
  });

  it.each([
    ['body', '[]', '/import', {}],
    ['packing of it', gzipSync(TEXT), '/import', { 'content-encoding': 'gzip' }],
    ['argument', TEXT, '/import?atomic=true', {}],
  ])('names one request: with another %s it is 422', async (_, body, path, headers) => {
    await post('k');
    const { status, envelope } = await post('k', body, path, headers);
    expect([status, envelope.code]).toEqual([422, 422]);
    expect(envelope).toMatchObject({ message: 'Unprocessable Entity', data: null });
    expect((await post('k')).status).toBe(200);
  });

  it.each(['', ' ', 'a b', 'é', 'x'.repeat(256), 'a\u007f'])(
    'is 1 to 255 visible ASCII characters, not %j',
    async (key) => {
      const { status, envelope } = await post(key);
      expect([status, envelope.code, envelope.message]).toEqual([400, 400, 'Bad Request']);
      expect(await keys()).toEqual([]);
      expect(await gateway.database.prisma.campaign.count()).toBe(0);
    },
  );

  it.each(['!', '~'.repeat(255), `"k"`])('may be %s', async (key) => {
    await post(key);
    expect((await post(key)).headers['idempotent-replayed']).toBe('true');
  });

  it('is free again after a run that failed', async () => {
    const broken = await post('k', TEXT, '/import', { 'content-encoding': 'gzip' });
    expect(broken.status).toBe(400);
    expect((await post('k')).report.types.task).toMatchObject({ created: 1 });
    await gateway.database.prisma.$executeRawUnsafe('ALTER TABLE task RENAME TO lost_task');
    const failed = await post('k2');
    expect([failed.status, failed.envelope.code]).toEqual([500, 5000]);
    await gateway.database.prisma.$executeRawUnsafe('ALTER TABLE lost_task RENAME TO task');
    expect((await post('k2')).headers['idempotent-replayed']).toBeUndefined();
  });

  it('is 409 while the first run is under way, and works for its repeats then', async () => {
    const { port } = await gateway.listen();
    const sender = new SlowSender(`http://127.0.0.1:${port}/import`, 'k');
    sender.write(TEXT);
    await expect.poll(async () => (await keys()).length).toBe(1);
    // Longer than a run may be without a word: this one lives.
    for (let i = 0; i < 4; i++) {
      const { status, envelope } = await post('k');
      expect([status, envelope.code, envelope.message]).toEqual([409, 409, 'Conflict']);
      await sleep(LEASE_MS / 2);
    }
    expect((await sender.end()).status).toBe(200);
    expect((await post('k')).headers['idempotent-replayed']).toBe('true');
  });

  it('is taken over from a run that died, when its time is up', async () => {
    await leaveRun('k', 1);
    expect((await post('k')).status).toBe(409);
    await sleep(1100);
    const taken = await post('k');
    expect(taken.status).toBe(200);
    expect(taken.headers['idempotent-replayed']).toBeUndefined();
    expect((await post('k')).headers['idempotent-replayed']).toBe('true');
  });

  it('is kept later where the database fails at the end of the run', async () => {
    const { prisma } = gateway.database;
    const usual = await createTestGateway({
      environment: options.environment,
      database: gateway.database,
    });
    const send = () => postImport(usual, TEXT, { headers: { 'idempotency-key': 'late' } });
    await prisma.$executeRawUnsafe(`CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'no'; END $$`);
    await prisma.$executeRawUnsafe(
      'CREATE TRIGGER fail BEFORE UPDATE ON idempotency_key FOR EACH ROW EXECUTE FUNCTION fail()',
    );
    const first = await send();
    expect(first).toMatchObject({ status: 200, report: { types: { task: { created: 1 } } } });
    expect((await send()).status).toBe(409);
    await prisma.$executeRawUnsafe('DROP FUNCTION fail CASCADE');
    // The run's lease would end after a minute.
    await vi.waitFor(async () => expect((await send()).status).toBe(200), { timeout: 20_000 });
    const again = await send();
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(again.report).toEqual(first.report);
  });

  it('is kept for 24 hours, and then removed when another is written', async () => {
    await post('k');
    const [kept] = await keys();
    const hours = (kept!.expiresAt.getTime() - kept!.createdAt.getTime()) / 3_600_000;
    expect(hours).toBeGreaterThan(23.99);
    expect(hours).toBeLessThan(24.01);
    await gateway.database.prisma.$executeRawUnsafe(
      `UPDATE idempotency_key SET expires_at = now() - interval '1 ms'`,
    );
    await post('other');
    expect((await keys()).map(({ key }) => key)).toEqual(['other']);
    expect((await post('k', '[]')).status).toBe(200);
  });
});

describe('a key of ingest', () => {
  it('gives a repeat the first answer, and writes nothing', async () => {
    const first = await ingestOnce(gateway, 'k', EVERYTHING);
    expect(first.answer.data!.ingest).toMatchObject({ created: 5 });
    expect(first.response.headers['idempotent-replayed']).toBeUndefined();
    await emptyTables(gateway.database);
    const again = await ingestOnce(await anotherGateway(), 'k', EVERYTHING);
    expect(again.answer).toEqual(first.answer);
    expect(again.response.headers['idempotent-replayed']).toBe('true');
    expect(await gateway.database.prisma.campaign.count()).toBe(0);
  });

  it('names one request', async () => {
    await ingestOnce(gateway, 'k', EVERYTHING);
    const other = await ingestOnce(gateway, 'k', [EXAMPLE.campaign]);
    expect(other.response.statusCode).toBe(422);
    expect(other.answer.errors).toMatchObject([
      {
        message: 'This Idempotency-Key was used for another request; choose another key.',
        extensions: { code: 'BAD_USER_INPUT' },
      },
    ]);
    expect((await post('k')).status).toBe(422);
  });

  it.each(['', 'a b', 'x'.repeat(256)])('is not %j', async (key) => {
    const { response, answer } = await ingestOnce(gateway, key, EVERYTHING);
    expect(response.statusCode).toBe(400);
    expect(answer.errors).toMatchObject([
      {
        message: 'The header Idempotency-Key must be 1 to 255 visible ASCII characters.',
        extensions: { code: 'BAD_USER_INPUT' },
      },
    ]);
    expect(await gateway.database.prisma.campaign.count()).toBe(0);
  });

  it('is refused while the first run is under way', async () => {
    await leaveRun('k', 60);
    const { response, answer } = await ingestOnce(gateway, 'k', EVERYTHING);
    expect(response.statusCode).toBe(409);
    expect(answer.errors).toMatchObject([
      {
        message: 'A request with this Idempotency-Key is still under way; repeat it later.',
        extensions: { code: 'BAD_USER_INPUT' },
      },
    ]);
    expect(await gateway.database.prisma.campaign.count()).toBe(0);
  });

  it('runs once where the same request comes many times at once', async () => {
    const hold = holdDatabase();
    const running = Array.from({ length: 5 }, () => ingestOnce(gateway, 'k', EVERYTHING));
    await sleep(200);
    hold.release();
    await hold.done;
    const answers = await Promise.all(running);
    const created = answers.filter(({ answer }) => answer.data?.ingest.created === 5);
    const refused = answers.filter(({ answer }) => answer.errors);
    const replayed = answers.filter(({ response }) => response.headers['idempotent-replayed']);
    expect(created.length - replayed.length).toBe(1);
    expect(created.length + refused.length).toBe(5);
  });

  it('is free again after a run that failed or was refused', async () => {
    const many = Array.from({ length: 1001 }, (_, id) => line('pool', { id: String(id) }));
    const refused = await ingestOnce(gateway, 'k', many);
    expect(refused.answer.errors).toHaveLength(1);
    const invalid = await ingestOnce(gateway, 'k', [], 'mutation { ingest { created } }');
    expect(invalid.answer.errors).toMatchObject([
      { extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } },
    ]);
    expect(await keys()).toEqual([]);
    const { answer } = await ingestOnce(gateway, 'k', EVERYTHING);
    expect(answer.data!.ingest.created).toBe(5);
  });

  it('means nothing to a query', async () => {
    const { answer } = await ingestOnce(gateway, 'a b', [], '{ __typename }');
    expect(answer.data).toEqual({ __typename: 'Query' });
  });

  it('gives one answer, also to who accepts parts', async () => {
    const query = INGEST.replace('results {', '... @defer { results {').replace(
      'message } }\n',
      'message } } }\n',
    );
    const first = await ingestOnce(gateway, 'k', EVERYTHING, query);
    expect(first.answer.data!.ingest.results).toHaveLength(5);
    const again = await ingestOnce(gateway, 'k', EVERYTHING, query);
    expect(again.answer).toEqual(first.answer);
  });
});

/** A POST whose body is sent bit by bit. */
class SlowSender {
  readonly #answer: Promise<Response>;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor(url: string, key: string) {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
    });
    this.#answer = fetch(url, {
      method: 'POST',
      body,
      duplex: 'half',
      headers: { 'idempotency-key': key },
    } as RequestInit);
  }

  write(text: string): void {
    this.#controller!.enqueue(new TextEncoder().encode(text));
  }

  end(): Promise<Response> {
    this.#controller!.close();
    return this.#answer;
  }
}
