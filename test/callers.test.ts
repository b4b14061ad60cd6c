import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { revokeKey, type CreatedKey } from '../src/auth/keys.ts';
import {
  apiKey,
  ask,
  createGuardedGateway,
  expectRefused,
  expectServed,
  JSON_TYPE,
  lastLine,
  makeKey,
  signed,
  STATISTICS,
  type Headers,
} from './support/callers.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { EXAMPLE, importText } from './support/import.ts';
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

describe('nobody', () => {
  it('is told nothing', async () => {
    await expectRefused(gateway, {}, 'no credentials');
    for (const url of ['/nowhere', '/import', '/rosetta-open/statistics', '/graphql/', '/']) {
      expect((await gateway.rest({ method: 'GET', url })).statusCode).toBe(401);
      expect((await gateway.rest({ method: 'POST', url, payload: 'x' })).statusCode).toBe(401);
    }
    const schema = await gateway.inject({
      method: 'GET',
      url: '/graphql?query={__schema{types{name}}}',
    });
    expect(schema.statusCode).toBe(401);
  });

  it('is asked by no probe, and sees GraphiQL but executes nothing with it', async () => {
    for (const url of ['/healthz', '/readyz']) {
      expect((await gateway.inject({ method: 'GET', url })).statusCode).toBe(200);
    }
    const accept = { accept: 'text/html,*/*' };
    for (const query of ['', '?', '?query={tasks{totalCount}}', '?query=%7B__typename%7D&x=1']) {
      const page = await gateway.inject({
        method: 'GET',
        url: `/graphql${query}`,
        headers: accept,
      });
      expect([page.statusCode, page.headers['content-type']]).toEqual([
        200,
        'text/html; charset=utf-8',
      ]);
      expect(page.payload).not.toContain('totalCount":');
    }
    expect((await ask(gateway, accept)).statusCode).toBe(401);
  });

  it('is answered before his body is read', async () => {
    const answer = await send(
      { port },
      { method: 'POST', path: '/graphql', body: 'x'.repeat(3_000_000), chunked: true },
    );
    expect(answer.status).toBe(401);
    expect(answer.headers.connection).toBe('close');
  });
});

describe('an API key', () => {
  it('lets its caller in, whose name stands in the log', async () => {
    await expectServed(gateway, apiKey(api));
    expect(lastLine(gateway)).toMatchObject({ viewer: `key ${api.id}` });
    expect(JSON.stringify(gateway.logged)).not.toContain(api.secret.slice(-20));
  });

  it('is not taken for another because that was right a moment ago', async () => {
    const other = await makeKey(gateway);
    const secretOf = ({ secret }: { secret: string }) => secret.split('_').at(-1)!;
    for (const key of [api, other, api]) await expectServed(gateway, apiKey(key));
    const swapped = api.secret.replace(secretOf(api), secretOf(other));
    await expectRefused(gateway, apiKey({ secret: swapped }), 'wrong secret of an API key');
    await expectServed(gateway, apiKey(api));
  });

  it('is stored as a hash', async () => {
    const rows = await gateway.database.prisma.accessKey.findMany();
    const secret = api.secret.split('_').at(-1)!;
    for (const { secret: stored } of rows) {
      expect(Buffer.from(stored).includes(secret)).toBe(false);
      expect(Buffer.from(stored).includes(Buffer.from(secret, 'hex'))).toBe(false);
    }
  });

  it('that is wrong, unknown, dead or of the other kind is refused alike', async () => {
    const wrong = (secret: string) => secret.slice(0, -1) + (secret.endsWith('a') ? 'b' : 'a');
    const expired = await makeKey(gateway, { expiresAt: new Date(Date.now() - 1) });
    const revoked = await makeKey(gateway);
    await revokeKey(gateway.database.prisma, revoked.id);
    await expectRefused(
      gateway,
      apiKey({ secret: wrong(api.secret) }),
      'wrong secret of an API key',
    );
    await expectRefused(
      gateway,
      apiKey({ secret: api.secret.replace(api.id, '0'.repeat(24)) }),
      'unknown API key',
    );
    await expectRefused(gateway, apiKey(expired), 'dead API key');
    await expectRefused(gateway, apiKey(revoked), 'dead API key');
    await expectRefused(
      gateway,
      apiKey({ secret: `rosetta_${signing.id}_${signing.secret}` }),
      'unknown API key',
    );
    for (const text of [
      '',
      api.id,
      `${api.secret} `,
      ` ${api.secret}x`,
      'é',
      api.secret.toUpperCase(),
    ]) {
      if (text.trim() !== api.secret)
        await expectRefused(gateway, apiKey({ secret: text }), 'malformed API key');
    }
  });
});

describe('several ways to say who is asking', () => {
  it('are refused together, even if each is right', async () => {
    await expectRefused(gateway, { ...apiKey(api), ...signed(signing) }, 'several ways');
    await expectRefused(gateway, { ...apiKey(api), authorization: 'Bearer x' }, 'several ways');
    await expectRefused(gateway, { ...signed(signing), authorization: 'Basic x' }, 'several ways');
    await expectRefused(gateway, { authorization: 'Basic dXNlcjpwYXNz' });
  });

  it.each(['x-api-key', 'x-ts', 'authorization'])('include %s given twice', async (name) => {
    const headers: Headers = { ...apiKey(api), ...signed(signing), authorization: 'Bearer x' };
    const value = headers[name]!;
    const { status, headers: told } = await send(
      { port },
      { path: STATISTICS, headers: { [name]: [value, value] } },
    );
    expect(status).toBe(401);
    // The line is written when the connection has the whole answer, which its caller may have read by then.
    const line = await vi.waitFor(() => {
      const found = gateway.logged.find(({ requestId }) => requestId === told['x-request-id']);
      expect(found).toBeDefined();
      return found!;
    });
    expect(line.refusal).toBe('repeated header');
  });
});

it('nobody is asked where it is off, and many small requests at once are served', async () => {
  const { database } = gateway;
  const open = await createTestGateway({ database });
  const { port } = await open.listen();
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, n) =>
      n % 2 === 0
        ? send({ port }, { path: STATISTICS, headers: apiKey({ secret: 'nonsense' }) })
        : send(
            { port },
            {
              method: 'POST',
              path: '/graphql',
              headers: JSON_TYPE,
              body: { query: '{ tasks { totalCount } }' },
            },
          ),
    ),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(open.logged.findLast(({ msg }) => msg === 'request')).toMatchObject({ viewer: 'anybody' });
  await open.close();
});
