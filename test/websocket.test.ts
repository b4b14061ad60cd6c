import { once } from 'node:events';
import type { Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { eventually } from './support/process.ts';

/** What clients do that no client library does. */

let gateway: TestGateway;
let server: Server;
let port: number;

beforeAll(async () => {
  gateway = await createTestGateway();
  ({ server, port } = await gateway.listen());
});
// Ends only when no connection is left over.
afterAll(() => gateway.close());

interface RawClient {
  readonly socket: WebSocket;
  /** What it was sent, parsed. */
  readonly messages: { type: string; id?: string; payload?: unknown }[];
  /** The code and the reason of the end. */
  readonly closed: Promise<[code: number, reason: string]>;
}

async function open(): Promise<RawClient> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/graphql`, 'graphql-transport-ws');
  const messages: RawClient['messages'] = [];
  socket.on('message', (data) =>
    messages.push(JSON.parse((data as Buffer).toString()) as RawClient['messages'][number]),
  );
  const closed = once(socket, 'close').then(([code, reason]) => [code as number, String(reason)]);
  await once(socket, 'open');
  return { socket, messages, closed: closed as RawClient['closed'] };
}

/** One that may subscribe. */
async function openReady(): Promise<RawClient> {
  const client = await open();
  client.socket.send('{"type":"connection_init"}');
  await eventually(() => expect(client.messages).toHaveLength(1), { everyMs: 5 });
  return client;
}

const subscribe = (id: string, query = 'subscription { taskChanged { taskId } }') =>
  JSON.stringify({ type: 'subscribe', id, payload: { query } });

const subscriptions = (count: number) =>
  eventually(() => expect(gateway.subscriptions()).toBe(count), { everyMs: 5 });

describe('a WebSocket', () => {
  it.each([
    ['no JSON', 'x', 4400],
    ['another type', '{"type":"none"}', 4400],
    ['no message', 'null', 4400],
    ['what only servers say', '{"type":"connection_ack"}', 4400],
    ['bytes', Buffer.from('{"type":"connection_init"}'), 1003],
    ['more than is taken', 'x'.repeat(1024 * 1024 + 1), 1009],
    ['a subscription before the greeting', subscribe('1'), 4401],
  ])('is closed for %s', async (_name, message, code) => {
    const { socket, closed } = await open();
    socket.send(message);
    expect((await closed)[0]).toBe(code);
  });

  it('is closed for an id that is in use, if it is only being ended, and leaves nothing behind', async () => {
    for (const messages of [
      [subscribe('1'), subscribe('1')],
      [subscribe('1'), '{"type":"complete","id":"1"}', subscribe('1')],
    ]) {
      const { socket, closed } = await openReady();
      for (const message of messages) socket.send(message);
      expect(await closed).toEqual([4409, 'Subscriber for 1 already exists']);
      await subscriptions(0);
    }
  });

  it('takes ids that every object has', async () => {
    const { socket, closed } = await openReady();
    for (const id of ['constructor', 'toString', '__proto__']) socket.send(subscribe(id));
    await subscriptions(3);
    socket.close();
    expect((await closed)[0]).toBe(1005);
    await subscriptions(0);
  });

  it('takes an id again once its subscription is over', async () => {
    const { socket } = await openReady();
    for (let round = 0; round < 3; round++) {
      socket.send(subscribe('1'));
      await subscriptions(1);
      socket.send('{"type":"complete","id":"1"}');
      await subscriptions(0);
    }
    expect(socket.readyState).toBe(WebSocket.OPEN);
    socket.terminate();
  });

  it('has a thousand subscriptions at most, and its end is the end of them all', async () => {
    const { socket, messages } = await openReady();
    for (let n = 0; n < 1001; n++) socket.send(subscribe(String(n)));
    await subscriptions(1000);
    const refusal = {
      type: 'error',
      id: '1000',
      payload: [{ extensions: { code: 'BAD_USER_INPUT' } }],
    };
    await eventually(() => expect(messages.at(-1)).toMatchObject(refusal));
    socket.terminate();
    await subscriptions(0);
  });

  it('is read no further while its client sends and does not read: answers would heap up', async () => {
    const { socket } = await openReady();
    socket.pause();
    const message = JSON.stringify({ type: 'ping', payload: { text: 'x'.repeat(100_000) } });
    for (let n = 0; n < 400; n++) {
      socket.send(message);
      socket.ping('x'.repeat(125));
    }
    await sleep(1000);
    expect(socket.bufferedAmount).toBeGreaterThan(0);
    socket.resume();
    await eventually(() => expect(socket.bufferedAmount).toBe(0));
    socket.terminate();
  });

  it('tells errors as they are, without what is for HTTP', async () => {
    const { socket, messages } = await openReady();
    socket.send(subscribe('1', 'subscription { taskChanged(after: 1) { taskId } }'));
    socket.send(subscribe('2', 'subscription { taskChanged @skip(if: true) { taskId } }'));
    await eventually(() => expect(messages).toHaveLength(3));
    for (const { type, payload } of messages.slice(1)) {
      expect(type).toBe('error');
      expect(payload).toEqual([
        {
          message: expect.any(String) as string,
          locations: expect.any(Array) as object[],
          extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
        },
      ]);
    }
    socket.terminate();
  });
});

async function connectRaw(): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

const connections = () =>
  new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count)));

describe('an upgrade', () => {
  const FORBIDDEN =
    'GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nOrigin: http://evil.example\r\n\r\n';

  it('that is refused keeps no connection open, whatever the client does with it', async () => {
    const [patient, hasty] = [await connectRaw(), await connectRaw()];
    patient.write(FORBIDDEN);
    let answer = '';
    patient.on('data', (data) => (answer += data.toString()));
    hasty.write(FORBIDDEN, () => hasty.resetAndDestroy());
    // The client does not close its side.
    await eventually(() => expect(answer).toMatch(/^HTTP\/1.1 403 /));
    await eventually(async () => expect(await connections()).toBe(0));
    patient.destroy();
  });

  it('among requests that are sent without waiting gets its answer in its turn', async () => {
    const ask = (upgrade: string) => `GET /healthz HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`;
    const socket = await connectRaw();
    let answers = '';
    socket.on('data', (data) => (answers += data.toString()));
    const requests = Array.from({ length: 24 }, (_, n) =>
      ask(n % 3 === 0 ? '' : 'Connection: Upgrade\r\nUpgrade: h2c\r\n'),
    );
    socket.write(requests.join(''));
    await eventually(() => expect(answers.split('HTTP/1.1 200 OK')).toHaveLength(25));
    socket.destroy();
  });
});

describe('server-sent events', () => {
  it('are not gathered by proxies', async () => {
    const query = encodeURIComponent('subscription { taskChanged { taskId } }');
    const response = await fetch(`http://127.0.0.1:${port}/graphql?query=${query}`, {
      headers: { accept: 'text/event-stream' },
    });
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    await response.body!.cancel();
    await subscriptions(0);
  });
});
