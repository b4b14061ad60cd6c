import fc from 'fast-check';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { GatewayResponse, tellHeader } from '../src/rest/response.ts';
import { sendBytes } from './support/rest-client.ts';

const answer = fc.record({
  told: fc.array(
    fc.tuple(fc.constantFrom('X-A', 'X-B', 'X-C', 'Cache-Control'), fc.constantFrom('5', 'six', 7)),
  ),
  set: fc.array(
    fc.tuple(
      fc.constantFrom('X-A', 'x-a', 'X-B', 'Content-Type', 'Vary', 'Cache-Control'),
      fc.constantFrom('1', 'two', '3, 4'),
    ),
    { maxLength: 4 },
  ),
  status: fc.constantFrom(200, 404, 503),
  head: fc.option(
    fc.constantFrom<Record<string, string> | string[]>(
      {},
      { 'X-A': 'head' },
      { 'x-b': 'head', Vary: 'head' },
      ['X-C', 'head'],
    ),
  ),
  body: fc.constantFrom('', 'body'),
});
type Answer = typeof answer extends fc.Arbitrary<infer T> ? T : never;

let asked: Answer;

const listener: RequestListener = (_req, res) => {
  for (const [name, value] of asked.told) tellHeader(res, name, value);
  for (const [name, value] of asked.set) res.setHeader(name, value);
  res.sendDate = false;
  if (asked.head) res.writeHead(asked.status, asked.head as never);
  else res.statusCode = asked.status;
  res.end(asked.body);
};

let gateway: Server;
let plain: Server;
beforeAll(async () => {
  gateway = createServer({ ServerResponse: GatewayResponse }, listener);
  plain = createServer(listener);
  for (const server of [gateway, plain]) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  }
});
afterAll(() => {
  gateway.close();
  plain.close();
});

/** The status line, the lines of the head in some order, and the body. */
async function answerOf(server: Server): Promise<[string, string[], string]> {
  const { port } = server.address() as AddressInfo;
  const text = await sendBytes({ port }, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  const end = text.indexOf('\r\n\r\n');
  const [status, ...lines] = text.slice(0, end).split('\r\n');
  const lower = lines.map((line) => line.replace(/^[^:]+/, (name) => name.toLowerCase()));
  return [status!, lower.sort(), text.slice(end + 4)];
}

// Node's own answers take what they are told as set.
it('an answer that is only told headers has them, each as it was told last', async () => {
  await fc.assert(
    fc.asyncProperty(answer, async (one) => {
      asked = { ...one, set: [], head: null };
      expect(await answerOf(gateway)).toEqual(await answerOf(plain));
    }),
    { numRuns: 50 },
  );
});

it('what is set for an answer itself goes before what it was told', async () => {
  await fc.assert(
    fc.asyncProperty(answer, async (one) => {
      asked = one;
      expect(await answerOf(gateway)).toEqual(await answerOf(plain));
    }),
    { numRuns: 100 },
  );
});
