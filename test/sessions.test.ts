import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { revokeKey, type CreatedKey } from '../src/auth/keys.ts';
import {
  apiKey,
  createGuardedGateway,
  get,
  makeKey,
  signed,
  signed256,
  type Headers,
} from './support/callers.ts';
import type { TestGateway } from './support/gateway.ts';
import { EXAMPLE, importText, line } from './support/import.ts';
import { eventually } from './support/process.ts';
import { subscribe, type Transport } from './support/subscriptions.ts';

const JWT_SECRET = randomBytes(32).toString('hex');
const environment = {
  GATEWAY_JWT_SECRET: JWT_SECRET,
  GATEWAY_JWT_ISSUER: 'i',
  GATEWAY_JWT_AUDIENCE: 'a',
};

/** Milliseconds within which a revocation is to be seen. */
const SEEN_MS = 5000;

let gateway: TestGateway;
let copy: TestGateway;
let url: string;
let port: number;
let key: CreatedKey;
let signing: CreatedKey;
beforeAll(async () => {
  gateway = await createGuardedGateway({ environment });
  copy = await createGuardedGateway({ environment, database: gateway.database });
  ({ url, port } = await gateway.listen());
  await importText(gateway.database, Object.values(EXAMPLE));
  key = await makeKey(gateway);
  signing = await makeKey(gateway, { kind: 'signed' });
});
afterAll(() => gateway.close());

const QUERY = 'subscription { taskChanged { taskId } }';
const listen = (transport: Transport, headers: Headers, at = url, query = QUERY) =>
  subscribe(transport, at, '', {}, query, headers);
const established = (count: number, at = gateway) =>
  eventually(() => expect(at.subscriptions()).toBe(count), { everyMs: 5 });

function tokenFor(lifeSeconds: number): Promise<string> {
  return new SignJWT({ rosetta_role: 'reader', rosetta_campaigns: 'all', sub: 'ben' })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer('i')
    .setAudience('a')
    .setExpirationTime(Math.floor(Date.now() / 1000) + lifeSeconds)
    .sign(Buffer.from(JWT_SECRET));
}

describe('a key that is revoked', () => {
  it('is let in by no gateway within five seconds, and its subscriptions end with a reason', async () => {
    const doomed = await makeKey(gateway);
    const { url: copyUrl } = await copy.listen();
    const headers = apiKey(doomed);
    const living = listen('sse', apiKey(key));
    const subscriptions = [
      listen('sse', headers),
      listen('websocket', headers),
      listen('sse', headers, copyUrl),
      listen('websocket', headers, copyUrl),
    ];
    await established(3);
    await established(2, copy);
    const ask = async () =>
      Promise.all([gateway, copy].map(async (one) => (await get(one, headers)).statusCode));
    expect(await ask()).toEqual([200, 200]);
    await revokeKey(gateway.database.prisma, doomed.id);
    await eventually(async () => expect(await ask()).toEqual([401, 401]), { timeoutMs: SEEN_MS });
    for (const [n, one] of subscriptions.entries()) {
      const end = await one.ended;
      expect(one.errors, String(n)).toMatchObject([
        {
          message: 'The key or token that this was asked with has expired or was revoked.',
          extensions: { code: 'UNAUTHENTICATED' },
        },
      ]);
      expect(end).toBeUndefined();
      await one.stop();
    }
    await established(1);
    await importText(gateway.database, [line('task', { status: '6' })]);
    await living.receive(1);
    expect(living.errors).toEqual([]);
    await living.stop();
    const lines = gateway.logged.filter(({ viewer }) => viewer === `key ${doomed.id}`);
    expect(lines.filter(({ errorCodes }) => String(errorCodes) === 'UNAUTHENTICATED')).toHaveLength(
      2,
    );
  });

  it('ends idle connections too', async () => {
    const doomed = await makeKey(gateway);
    const socket = await open({ payload: apiKey(doomed) });
    const closed = once(socket.socket, 'close');
    await revokeKey(gateway.database.prisma, doomed.id);
    const started = performance.now();
    expect((await closed)[0]).toBe(4401);
    expect(performance.now() - started).toBeLessThan(SEEN_MS + 1500);
  });

  it('is one for good; one that is new is known at once', async () => {
    const made = await makeKey(gateway);
    expect((await get(copy, apiKey(made))).statusCode).toBe(200);
  });
});

it('a token that expires ends its subscriptions', async () => {
  // Five seconds of tolerance follow.
  const headers = { authorization: `Bearer ${await tokenFor(-3)}` };
  const subscriptions = [listen('sse', headers), listen('websocket', headers)];
  await established(2);
  for (const one of subscriptions) {
    await one.ended;
    expect(one.errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
    await one.stop();
  }
});

/** Opens a WebSocket, says hello, and waits for the answer or the end. */
async function open({ headers = {}, payload }: { headers?: Headers; payload?: object }) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/graphql`, 'graphql-transport-ws', {
    headers,
  });
  const closed = new Promise<string>((resolve) =>
    socket.once('close', (code, reason) => resolve(`${code} ${reason.toString()}`)),
  );
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init', ...(payload && { payload }) }));
  const answered = new Promise<string>((resolve) =>
    socket.once('message', (data: Buffer) =>
      resolve((JSON.parse(data.toString()) as { type: string }).type),
    ),
  );
  return { socket, answer: await Promise.race([closed, answered]) };
}

describe('a WebSocket', () => {
  const UPGRADE = { method: 'GET', url: '/graphql' };
  const upper = (headers: Headers) =>
    Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]));

  it.each<[string, () => Promise<Headers> | Headers]>([
    ['an API key', () => apiKey(key)],
    ['a token', async () => ({ authorization: `Bearer ${await tokenFor(60)}` })],
    ['a signature', () => signed(signing)],
    ['a signature over the whole request', () => signed256(signing, UPGRADE)],
  ])('is opened with %s, in headers or in what browsers can send', async (_, headersOf) => {
    for (const request of [
      { headers: await headersOf() },
      { payload: await headersOf() },
      { payload: { ...upper(await headersOf()), other: 7 } },
    ]) {
      const { socket, answer } = await open(request);
      expect(answer).toBe('connection_ack');
      socket.close();
    }
  });

  it('is closed with 4401 without, and with 4403 where its caller may nothing', async () => {
    const powerless = await new SignJWT({})
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer('i')
      .setAudience('a')
      .setExpirationTime('1m')
      .sign(Buffer.from(JWT_SECRET));
    for (const payload of [
      undefined,
      {},
      { 'x-api-key': 7 },
      apiKey({ secret: key.secret.replace(/.$/, '!') }),
      { ...apiKey(key), 'X-API-KEY': key.secret },
      { ...apiKey(key), ...signed(signing) },
    ]) {
      expect((await open({ payload })).answer).toBe('4401 Unauthorized');
    }
    const twice = await open({ headers: apiKey(key), payload: apiKey(key) });
    expect(twice.answer).toBe('4401 Unauthorized');
    const forbidden = await open({ payload: { authorization: `Bearer ${powerless}` } });
    expect(forbidden.answer).toBe('4403 Forbidden');
    await eventually(() =>
      expect(gateway.logged.at(-1)).toMatchObject({ transport: 'websocket', code: 4403 }),
    );
  });

  it('takes no subscription of who may only put data in', async () => {
    const writer = await makeKey(gateway, { role: 'ingest' });
    const one = listen('websocket', apiKey(writer));
    await one.ended;
    expect(one.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
    await one.stop();
  });

  it('says nothing before it is asked, and closes who asks before he says who he is', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/graphql`, 'graphql-transport-ws');
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query: QUERY } }));
    expect((await once(socket, 'close'))[0]).toBe(4401);
    expect(gateway.subscriptions()).toBe(0);
  });
});
