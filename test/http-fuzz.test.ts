import fc from 'fast-check';
import { connect } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createGuardedGateway } from './support/callers.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { anyConversation } from './support/random-requests.ts';
import { converse, expectOrderly } from './support/raw-http.ts';

/** Two gateways: one that asks who is asking, and one that does not. */
let gateways: { gateway: TestGateway; port: number }[];
let port: number;

beforeAll(async () => {
  const all = [
    await createTestGateway({ environment: { GATEWAY_INGEST: 'on' } }),
    await createGuardedGateway(),
  ];
  gateways = await Promise.all(
    all.map(async (gateway) => ({ gateway, port: (await gateway.listen()).port })),
  );
  port = gateways[0]!.port;
});
afterAll(() => Promise.all(gateways.map(({ gateway }) => gateway.close())));
beforeEach(() => {
  for (const { gateway } of gateways) gateway.logged.length = 0;
  return () => {
    // What callers do is no fault of ours, and each line is one line.
    for (const { gateway } of gateways) {
      expect(gateway.logged.filter(({ level }) => Number(level) >= 50)).toEqual([]);
    }
  };
});

describe('whatever comes over a connection', () => {
  it('is answered in order, and the connection ends', () =>
    fc.assert(
      fc.asyncProperty(anyConversation, fc.nat({ max: 1 }), async (bytes, which) => {
        const about = JSON.stringify(bytes.toString('latin1').slice(0, 2000));
        for (const answer of await converse(gateways[which]!.port, bytes)) {
          expectOrderly(answer, about);
        }
      }),
      { numRuns: 400 },
    ));
});

const HEALTH = 'GET /healthz HTTP/1.1\r\nHost: x\r\n';
const CLOSE = 'Connection: close\r\n';
const POST = 'POST /task/get HTTP/1.1\r\nHost: x\r\n';
const SMUGGLED =
  'GET /graphql?query=%7B__typename%7D HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';

describe('a request whose end is doubtful is the last of its connection', () => {
  it.each([
    [
      'a length and chunks',
      `${POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    [
      'chunks and a length',
      `${POST}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
    ],
    ['two lengths', `${POST}Content-Length: 0\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n`],
    ['a list of lengths', `${POST}Content-Length: 0, ${SMUGGLED.length}\r\n\r\n`],
    ['a length with a sign', `${POST}Content-Length: +0\r\n\r\n`],
    ['a hexadecimal length', `${POST}Content-Length: 0x0\r\n\r\n`],
    ['a length beyond all numbers', `${POST}Content-Length: 99999999999999999999\r\n\r\n`],
    ['a coding after chunks', `${POST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`],
    ['chunks by half a name', `${POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
    ['a space before the colon', `${POST}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`],
    [
      'a header that goes on in the next line',
      `${POST}X: 1\r\n Transfer-Encoding: chunked\r\n\r\n`,
    ],
    ['lines that end in half', `${POST.replaceAll('\r\n', '\n')}\n`],
    ['a size that is none', `${POST}Transfer-Encoding: chunked\r\n\r\nx\r\n\r\n`],
    ['a negative size', `${POST}Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n`],
    ['a size beyond all numbers', `${POST}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n`],
    [
      'a chunk longer than its size',
      `${POST}Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n`,
    ],
    ['a NUL', `${POST}X: a\0b\r\n\r\n`],
    ['a name with a space', `${POST}X Y: z\r\n\r\n`],
    ['a header without a name', `${POST}: z\r\n\r\n`],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['no such version', 'GET / HTTP/9.9\r\n\r\n'],
  ])('%s', async (_name, request) => {
    const answers = await converse(port, request + SMUGGLED);
    expect(answers.map(({ status }) => status)).toEqual([400]);
    expectOrderly(answers[0]!, request);
  });

  it('chunks that bring more words than bytes', async () => {
    const extension = `1;${'x'.repeat(20_000)}\r\n{\r\n`;
    const [answer] = await converse(port, `${POST}Transfer-Encoding: chunked\r\n\r\n${extension}`);
    expect(answer!.status).toBe(413);
  });
});

describe('a request that only looks odd is served', () => {
  it.each([
    ['an empty line before it', `\r\n\r\n${HEALTH}${CLOSE}\r\n`, [200]],
    ['Latin in a header', Buffer.from(`${HEALTH}X: \xff\xe9\r\n${CLOSE}\r\n`, 'latin1'), [200]],
    ['no Host', `GET /healthz HTTP/1.1\r\n${CLOSE}\r\n`, [200]],
    ['two Hosts', `${HEALTH}Host: y\r\n${CLOSE}\r\n`, [200]],
    ['an older version', 'GET /healthz HTTP/1.0\r\n\r\n', [200]],
    ['2,000 headers', `${HEALTH}${'X: 1\r\n'.repeat(2000)}${CLOSE}\r\n`, [200]],
    [
      'an upgrade to what we do not speak',
      `${HEALTH}Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n`,
      [200],
    ],
    ['a method of others', `PROPFIND /statistics HTTP/1.1\r\nHost: x\r\n${CLOSE}\r\n`, [405]],
    ['a target of options', `OPTIONS * HTTP/1.1\r\nHost: x\r\n${CLOSE}\r\n`, [404]],
    ['a word to a proxy', `CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n`, [400]],
    ['three at once', `${HEALTH}\r\nGET /x HTTP/1.1\r\n\r\n${HEALTH}${CLOSE}\r\n`, [200, 404, 200]],
  ])('%s', async (_name, request, statuses) => {
    const answers = await converse(port, request, { isOpen: String(request).includes(CLOSE) });
    expect(answers.map(({ status }) => status)).toEqual(statuses);
    for (const answer of answers) expectOrderly(answer, String(request));
  });

  it('trailers, which are no headers', async () => {
    const { gateway, port } = gateways[1]!;
    const request = `POST /task/get HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n${CLOSE}\r\n2\r\n{}\r\n0\r\nX-API-Key: x\r\n\r\n`;
    const answers = await converse(port, request, { isOpen: true });
    expect(answers.map(({ status }) => status)).toEqual([401]);
    expect(gateway.logged.at(-1)).toMatchObject({ refusal: 'no credentials' });
  });
});

describe('who does not wait for answers', () => {
  const slow = `POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 40\r\n\r\n{"query":"{ campaigns { totalCount } }"}`;

  it.each([
    ['what is no HTTP', 'nonsense\r\n\r\n'],
    ['a word to a proxy', 'CONNECT x:1 HTTP/1.1\r\n\r\n'],
  ])('gets them in their order, also those to %s', async (_name, nonsense) => {
    const answers = await converse(port, slow + nonsense, { isOpen: true });
    expect(answers.map(({ status }) => status)).toEqual([200, 400]);
    expect(JSON.parse(answers[0]!.body)).toMatchObject({ data: { campaigns: { totalCount: 0 } } });
  });

  it('gets one answer to a request, though the rest of it is broken', async () => {
    const head = 'POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n';
    for (const rest of ['2\r\n{}\r\n0\r\nContent-Length: 9\r\n\r\n', 'x\r\n']) {
      const { port } = gateways[1]!;
      const answer = await new Promise<string>((resolve) => {
        let text = '';
        const socket = connect(port, '127.0.0.1', () => socket.write(head));
        socket.once('data', () => socket.write(rest));
        socket.on('data', (data) => (text += String(data))).on('close', () => resolve(text));
        socket.on('error', () => undefined);
      });
      expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 401']);
    }
  });
});

describe('a body that is packed', () => {
  const bombs = {
    gzip: gzipSync(Buffer.alloc(20_000_000, 0x20)),
    br: brotliCompressSync(Buffer.alloc(20_000_000, 0x20)),
  };

  it.each([
    ['POST', '/task/get', 200, '"code":4005'],
    ['GET', '/statistics', 200, '"code":4005'],
    ['GET', '/export/tasks', 200, '"code":4005'],
    ['POST', '/graphql', 400, 'BAD_USER_INPUT'],
  ])('is not unpacked for %s %s', async (method, path, status, part) => {
    for (const [coding, bomb] of Object.entries(bombs)) {
      const head = `${method} ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Encoding: ${coding}\r\nContent-Length: ${bomb.length}\r\n${CLOSE}\r\n`;
      const [answer] = await converse(port, Buffer.concat([Buffer.from(head), bomb]));
      expect(answer).toMatchObject({ status });
      expect(answer!.body).toContain(part);
    }
  });
});
