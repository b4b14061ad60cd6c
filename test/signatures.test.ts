import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { revokeKey, type CreatedKey } from '../src/auth/keys.ts';
import {
  createGuardedGateway,
  expectRefused,
  expectServed,
  get,
  JSON_TYPE,
  lastLine,
  makeKey,
  signed,
  signed256,
  STATISTICS,
  type Headers,
} from './support/callers.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { EXAMPLE, importText } from './support/import.ts';
import { slowPost } from './support/ingest.ts';
import { eventually } from './support/process.ts';
import { send } from './support/rest-client.ts';

let gateway: TestGateway;
let port: number;
let api: CreatedKey;
let signing: CreatedKey;

beforeAll(async () => {
  gateway = await createGuardedGateway();
  ({ port } = await gateway.listen());
  await importText(gateway.database, Object.values(EXAMPLE));
  api = await makeKey(gateway);
  signing = await makeKey(gateway, { kind: 'signed' });
});
afterAll(() => gateway.close());

describe('a signature as Rosetta has it', () => {
  it('lets its caller in, whatever he asks', async () => {
    await expectServed(gateway, signed(signing));
    expect(lastLine(gateway)).toMatchObject({ viewer: `key ${signing.id}` });
  });

  it('may be of any time in the window, and is refused outside', () =>
    fc.assert(
      fc.asyncProperty(fc.integer({ min: -600_000, max: 600_000 }), async (offset) => {
        const { statusCode } = await get(gateway, signed(signing, Date.now() + offset));
        // Time goes on meanwhile.
        if (Math.abs(Math.abs(offset) - 300_000) > 5000) {
          expect(statusCode).toBe(Math.abs(offset) < 300_000 ? 200 : 401);
        }
      }),
      { numRuns: 50, examples: [[-290_000], [290_000], [-310_000], [310_000]] },
    ));

  it('has a window that can be set', async () => {
    const { database } = gateway;
    const strict = await createGuardedGateway({
      database,
      environment: { GATEWAY_SIGN_WINDOW: '1000' },
    });
    const answer = (time: number) =>
      strict.rest({ method: 'GET', url: STATISTICS, headers: signed(signing, time) });
    expect((await answer(Date.now())).statusCode).toBe(200);
    expect((await answer(Date.now() - 1500)).statusCode).toBe(401);
  });

  it('is refused with anything changed in it', () => {
    const name = fc.constantFrom('x-stardust-key', 'x-ts', 'x-sign');
    const at = fc.nat();
    const character = fc.constantFrom(...'0123456789abcdefABCDEF -');
    return fc.assert(
      fc.asyncProperty(name, at, character, async (header, index, replacement) => {
        const headers = signed(signing);
        const text = headers[header]!;
        const place = index % text.length;
        const changed = text.slice(0, place) + replacement + text.slice(place + 1);
        const { statusCode } = await get(gateway, { ...headers, [header]: changed });
        expect(statusCode).toBe(changed === text ? 200 : 401);
      }),
      { numRuns: 100 },
    );
  });

  it('is refused alike, whatever is wrong with it', async () => {
    const other = await makeKey(gateway, { kind: 'signed' });
    const revoked = await makeKey(gateway, { kind: 'signed' });
    await revokeKey(gateway.database.prisma, revoked.id);
    const { 'x-sign': sign, ...unsigned } = signed(signing);
    await expectRefused(gateway, signed({ ...signing, secret: other.secret }), 'wrong signature');
    await expectRefused(gateway, signed({ ...signing, id: 'f'.repeat(24) }), 'unknown access key');
    await expectRefused(gateway, signed({ ...api, secret: 'x' }), 'unknown access key');
    await expectRefused(gateway, signed(revoked), 'dead access key');
    await expectRefused(gateway, unsigned, 'no signature, or two');
    await expectRefused(gateway, { ...unsigned, 'x-sign': sign!.toUpperCase() }, 'wrong signature');
    await expectRefused(gateway, { 'x-sign': sign! }, 'malformed signature');
    for (const time of ['', '1e12', '-1', '0x1', '1'.repeat(16), `${Date.now()}.0`]) {
      await expectRefused(gateway, { ...signed(signing), 'x-ts': time }, 'malformed signature');
    }
  });

  it('has a secret that is encrypted at rest, by a key that must be the same', async () => {
    const row = await gateway.database.prisma.accessKey.findUniqueOrThrow({
      where: { id: signing.id },
    });
    expect(Buffer.from(row.secret).includes(signing.secret)).toBe(false);
    const { database } = gateway;
    const other = await createGuardedGateway({
      database,
      environment: { GATEWAY_SECRET_KEY: randomBytes(32).toString('base64') },
    });
    const answerOf = (from: TestGateway) =>
      from.rest({ method: 'GET', url: STATISTICS, headers: signed(signing) });
    expect((await answerOf(other)).envelope.code).toBe(401);
    expect(other.logged).toContainEqual(
      expect.objectContaining({
        level: 50,
        key: signing.id,
        msg: 'a key was made with another GATEWAY_SECRET_KEY',
      }),
    );
    const without = await createTestGateway({ database, environment: { GATEWAY_AUTH: 'on' } });
    expect((await answerOf(without)).envelope.code).toBe(401);
    expect(without.logged.at(-1)).toMatchObject({
      refusal: 'signature, and no GATEWAY_SECRET_KEY',
    });
  });

  it('does not hold for a secret that was moved to another key', async () => {
    const { prisma } = gateway.database;
    const moved = await makeKey(gateway, { kind: 'signed' });
    const { secret } = await prisma.accessKey.findUniqueOrThrow({ where: { id: signing.id } });
    await prisma.accessKey.update({ where: { id: moved.id }, data: { secret } });
    await expectRefused(
      gateway,
      signed({ id: moved.id, secret: signing.secret }),
      'wrong signature',
    );
  });
});

describe('a signature over the whole request', () => {
  const task = { campaignId: 'c-1', annotationRequestId: 'ar-1', sceneId: 's' };
  const post = (request: { path: string; body?: string; method?: string }, headers: Headers) =>
    send({ port }, { method: 'POST', ...request, headers });

  it('lets its caller in, with a body and without', async () => {
    const url = STATISTICS;
    expect((await get(gateway, signed256(signing, { url }))).envelope.code).toBe(2000);
    const payload = '{"query":"{ tasks { totalCount } }"}';
    const graphql = { method: 'POST', url: '/graphql', payload } as const;
    const answer = await gateway.inject({
      ...graphql,
      headers: { ...JSON_TYPE, ...signed256(signing, graphql) },
    });
    expect(JSON.parse(answer.payload)).toMatchObject({ data: { tasks: { totalCount: 1 } } });
    const body = JSON.stringify(task);
    const rest = await post(
      { path: '/task/get', body },
      signed256(signing, { method: 'POST', url: '/task/get', payload: body }),
    );
    expect(rest.envelope.code).toBe(56001);
    const absolute = await post(
      { path: 'http://elsewhere/task/get?', body },
      signed256(signing, { method: 'POST', url: '/task/get?', payload: body }),
    );
    expect(absolute.envelope.code).toBe(56001);
  });

  it('covers method, path, query, body, time and nonce as they were sent', () => {
    const text = fc.string({ unit: fc.constantFrom(...'aZ09%2F+&=[]~.-'), maxLength: 20 });
    const part = fc.constantFrom('method', 'url', 'payload', 'x-ts', 'x-nonce', 'nothing');
    return fc.assert(
      fc.asyncProperty(text, fc.string(), part, async (query, payload, changed) => {
        const sent = { method: 'POST', url: `/task/get?${query}`, payload };
        const meant = {
          method: changed === 'method' ? 'GET' : sent.method,
          url: changed === 'url' ? `${sent.url}&` : sent.url,
          payload: changed === 'payload' ? `${payload} ` : payload,
        };
        const headers = signed256(signing, meant);
        if (changed === 'x-ts') headers['x-ts'] = String(Number(headers['x-ts']) + 1);
        if (changed === 'x-nonce') headers['x-nonce'] += '0';
        const { status } = await post({ path: sent.url, body: sent.payload }, headers);
        expect(status).toBe(changed === 'nothing' ? 200 : 401);
      }),
      { numRuns: 60 },
    );
  });

  it('is taken once, by all gateways on a database, and its nonce is its own', async () => {
    const { database } = gateway;
    const copy = await createGuardedGateway({ database });
    const headers = signed256(signing, { url: STATISTICS });
    const askOnce = (from: TestGateway) => from.rest({ method: 'GET', url: STATISTICS, headers });
    const answers = await Promise.all([gateway, copy, gateway, copy].map(askOnce));
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, 401, 401, 401]);
    await expectRefused(gateway, headers, 'nonce used before');
    // Somebody else's.
    const other = await makeKey(gateway, { kind: 'signed' });
    const nonce = headers['x-nonce']!;
    expect((await get(gateway, signed256(other, { url: STATISTICS }, { nonce }))).statusCode).toBe(
      200,
    );
    // A wrong signature takes nobody's nonce.
    const unused = signed256(signing, { url: STATISTICS });
    await expectRefused(gateway, { ...unused, 'x-sign-256': 'f'.repeat(64) }, 'wrong signature');
    expect((await get(gateway, unused)).statusCode).toBe(200);
  });

  it('leaves a nonce for as long as it could be sent again, which is removed then', async () => {
    const { prisma } = gateway.database;
    await get(gateway, signed256(signing, { url: STATISTICS }, { nonce: 'old' }));
    const kept = await prisma.$queryRaw<{ minutes: number }[]>`
      SELECT (extract(epoch FROM expires_at - now()) / 60)::float8 AS minutes FROM used_nonce WHERE nonce = 'old'`;
    expect(kept[0]!.minutes).toBeGreaterThan(10);
    await prisma.$executeRaw`UPDATE used_nonce SET expires_at = now() WHERE nonce = 'old'`;
    await get(gateway, signed256(signing, { url: STATISTICS }, { nonce: 'new' }));
    const nonces = await prisma.$queryRaw<
      object[]
    >`SELECT nonce FROM used_nonce WHERE nonce IN ('old', 'new')`;
    expect(nonces).toEqual([{ nonce: 'new' }]);
  });

  it('is refused with a nonce of another form, or none', async () => {
    const without = signed256(signing, { url: STATISTICS });
    delete without['x-nonce'];
    await expectRefused(gateway, without, 'malformed nonce');
    for (const nonce of ['', 'a b', 'x'.repeat(256)]) {
      await expectRefused(
        gateway,
        signed256(signing, { url: STATISTICS }, { nonce }),
        'malformed nonce',
      );
    }
    await expectRefused(gateway, {
      ...signed(signing),
      ...signed256(signing, { url: STATISTICS }),
    });
  });

  it('covers a body that is too long by refusing that', async () => {
    const request = { method: 'POST', url: '/task/get', payload: 'x'.repeat(1_048_577) };
    const { status } = await post(
      { path: request.url, body: request.payload },
      signed256(signing, request),
    );
    expect(status).toBe(413);
  });

  describe('over an import', () => {
    const campaign = (id: number) =>
      `{"type":"campaign","id":"n-${id}","projectId":${9000 + id},"name":"N ${id}","campaignType":"POC"}`;
    const count = () => gateway.database.prisma.campaign.count();

    it.each(['', '?atomic=true'])('takes nothing before it is right: %j', async (query) => {
      const writer = await makeKey(gateway, { kind: 'signed', role: 'ingest' });
      const url = `/import${query}`;
      const payload = gzipSync(campaign(query.length));
      const request = { method: 'POST', url, payload };
      const headers = { 'content-encoding': 'gzip', ...signed256(writer, request) };
      const before = await count();
      const wrong = { ...headers, 'x-sign-256': '0'.repeat(64) };
      for (const refused of [wrong, { ...wrong, 'x-stardust-key': '0'.repeat(24) }]) {
        const answer = await gateway.rest({ ...request, method: 'POST', headers: refused });
        expect(answer.statusCode).toBe(401);
      }
      expect(await count()).toBe(before);
      const answer = await gateway.rest({ ...request, method: 'POST', headers });
      expect(answer.envelope).toMatchObject({ code: 2000, data: { lines: 1, rejected: 0 } });
      expect(await count()).toBe(before + 1);
      const again = await gateway.rest({ ...request, method: 'POST', headers });
      expect(again.statusCode).toBe(401);
    });

    it('is answered at the end of the body, whether its key exists or not', async () => {
      for (const id of [signing.id, '1'.repeat(24)]) {
        const request = { method: 'POST', url: '/import', payload: campaign(50) };
        const headers = signed256({ id, secret: 'x' }, request);
        let hasEnded = false;
        async function* body() {
          yield Buffer.from(request.payload.slice(0, 10));
          await new Promise((resolve) => setTimeout(resolve, 200));
          hasEnded = true;
          yield Buffer.from(request.payload.slice(10));
        }
        const answer = await fetch(`http://127.0.0.1:${port}/import`, {
          method: 'POST',
          headers,
          body: body() as unknown as BodyInit,
          duplex: 'half',
        } as RequestInit);
        expect([answer.status, hasEnded]).toEqual([401, true]);
      }
    });

    it('is put aside within a bound, all of them together, whether their keys exist or not', async () => {
      const bounded = await createGuardedGateway({
        environment: { GATEWAY_MAX_SPOOL_BYTES: '1000' },
        database: gateway.database,
      });
      const writer = await makeKey(gateway, { kind: 'signed', role: 'ingest' });
      const { port } = await bounded.listen();
      const open = (payload: string, key = writer) =>
        slowPost(port, '/import', signed256(key, { method: 'POST', url: '/import', payload }));
      const sendWhole = (payload: string, key?: CreatedKey) => {
        const { post, answer } = open(payload, key);
        post.end(payload);
        return answer;
      };
      const nobody = { ...writer, id: '1'.repeat(24) };
      const blank = (text: string, bytes: number) => text + ' '.repeat(bytes - text.length);

      for (const key of [writer, nobody]) {
        expect((await sendWhole(blank(campaign(60), 1001), key)).status).toBe(413);
      }
      const payload = blank(campaign(61), 600);
      // Where another is put aside before it, it is this one that there is no room for: then it comes again.
      let isOver = false;
      const hold = () => {
        const held = open(payload);
        held.post.write(payload.slice(0, 599));
        isOver = false;
        void held.answer.then(() => (isOver = true));
        return held;
      };
      let first = hold();
      for (const key of [writer, nobody]) {
        const { status, headers } = await eventually(async () => {
          if (isOver) first = hold();
          const answer = await sendWhole(blank(campaign(62), 600), key);
          expect(answer.status).not.toBe(key === writer ? 200 : 401);
          return answer;
        });
        expect([status, headers['retry-after']]).toEqual([503, '1']);
      }
      first.post.end(payload.slice(599));
      expect((await first.answer).envelope).toMatchObject({ code: 2000, data: { rejected: 0 } });
      const later = await sendWhole(blank(campaign(63), 1000));
      expect(later.envelope).toMatchObject({ code: 2000, data: { rejected: 0 } });
      await bounded.close();
    });
  });
});
