import { once } from 'node:events';
import type { Socket } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { expectCallersErrors } from './support/answers.ts';
import { createTestGateway, type GraphQLAnswer, type TestGateway } from './support/gateway.ts';
import { eventually } from './support/process.ts';
import { HOSTILE_TEXTS, IMPOSSIBLE_TEXTS } from './support/random-values.ts';

let gateway: TestGateway;
let port: number;
beforeAll(async () => {
  gateway = await createTestGateway();
  ({ port } = await gateway.listen());
});
afterAll(() => gateway.close());

const id = fc.oneof(
  fc.constantFrom('1', '2', '__proto__', 'constructor', 'toString', ''),
  fc.constantFrom(...HOSTILE_TEXTS, ...IMPOSSIBLE_TEXTS),
);
const query = fc.constantFrom(
  'subscription { taskChanged { taskId } }',
  'subscription A { taskChanged { taskId } } subscription B { historyAppended { recordId } }',
  'subscription ($after: String) { historyAppended(after: $after) { recordId } }',
  'subscription ($id: String!) { progressChanged(annotationRequestId: $id) { total } }',
  'subscription { taskChanged { then: taskId } }',
  'subscription { taskChanged { taskId } historyAppended { recordId } }',
  'subscription { __typename }',
  '{ __typename }',
  'mutation { ingest(entities: []) { created } }',
  'subscription {',
  '',
  '{'.repeat(5000),
);
const payload = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record(
      {
        query,
        operationName: fc.constantFrom('A', 'B', '__proto__', null),
        variables: fc.oneof(
          fc.record({ id, after: id }),
          fc.constantFrom(null, { __proto__: { id: 'x' } }),
        ),
        extensions: fc.constantFrom(null, {}),
      },
      { requiredKeys: ['query'] },
    ),
  },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
);
const type = fc.constantFrom(
  ...['connection_init', 'connection_init', 'connection_ack', 'ping', 'pong', 'next', 'error'],
  ...['complete', 'subscribe', 'subscribe', '__proto__', 'constructor', 'start', ''],
);
/** A message of the protocol, or something like one. */
const message = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .record({ type, id, payload }, { requiredKeys: ['type'] })
      .map((object) => JSON.stringify(object)),
  },
  { weight: 1, arbitrary: fc.json({ maxDepth: 2 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...['{', '{"type":"ping","type":"subscribe"}', '{"__proto__":{"type":"ping"}}', '[]', '\0'],
      '{"type":"connection_init","payload":{"__proto__":{"x-api-key":"x"},"constructor":"y"}}',
      `{"type":"ping","payload":${'['.repeat(5000)}${']'.repeat(5000)}}`,
    ),
  },
);
/** Frames that the protocol below knows no use for: reserved bits, unknown kinds, wrong lengths, no mask, no UTF-8. */
const frame = fc.oneof(
  fc.constantFrom(
    ...[
      [0x80, 0x80],
      [0x83, 0x80, 0, 0, 0, 0],
      [0xf1, 0x80, 0, 0, 0, 0],
      [0x81, 0x01, 0x7b],
    ],
    ...[
      [0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
      [0x09, 0x80, 0, 0, 0, 0],
    ],
    ...[
      [0x89, 0xfe, 0x00, 0x7e],
      [0x81, 0x81, 0, 0, 0, 0, 0xff],
      [0x88, 0x81, 0, 0, 0, 0, 1],
    ],
    [0x88, 0x82, 0, 0, 0, 0, 0x00, 0x00],
  ),
  fc.uint8Array({ maxLength: 20 }),
);
const step = fc.oneof(
  { weight: 8, arbitrary: message.map((text) => ({ text })) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 30 }).map((bytes) => ({ bytes })) },
  { weight: 1, arbitrary: frame.map((bytes) => ({ frame: Buffer.from(bytes) })) },
);

/** Ends that are the client's doing, by WebSocket and by graphql-ws; 1005 and 1006: it ended without a word. */
const ENDS = [1000, 1002, 1003, 1005, 1006, 1007, 1009, 4400, 4401, 4409, 4429];

it('whatever comes over a WebSocket, it ends with a reason, and nothing is left behind', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.array(step, { minLength: 1, maxLength: 8 }),
      async (isPolite, steps) => {
        gateway.logged.length = 0;
        const socket = new WebSocket(`ws://127.0.0.1:${port}/graphql`, 'graphql-transport-ws');
        const received: string[] = [];
        socket.on('message', (data) => received.push((data as Buffer).toString()));
        socket.on('error', () => undefined);
        const closed = once(socket, 'close') as Promise<[number]>;
        await once(socket, 'open');
        if (isPolite) socket.send('{"type":"connection_init"}');
        for (const { text, bytes, frame } of steps as Partial<Record<string, Buffer>>[]) {
          if (frame) (socket as unknown as { _socket: Socket })._socket.write(frame);
          else if (socket.readyState === socket.OPEN) socket.send((text ?? bytes)!);
        }
        socket.close();
        // A frame that was begun swallows the goodbye.
        const timer = setTimeout(() => socket.terminate(), 300);
        const [code] = await closed;
        clearTimeout(timer);
        expect(ENDS).toContain(code);
        for (const one of received) {
          const { type, payload } = JSON.parse(one) as { type: string; payload?: unknown };
          expect(['connection_ack', 'pong', 'next', 'error', 'complete']).toContain(type);
          if (type !== 'error') continue;
          expectCallersErrors(payload as GraphQLAnswer<unknown>['errors'], JSON.stringify(steps));
        }
        await eventually(() => expect(gateway.subscriptions()).toBe(0), { everyMs: 5 });
        expect(gateway.logged.filter(({ level }) => Number(level) >= 50)).toEqual([]);
      },
    ),
    { numRuns: 150 },
  );
});
