import fc from 'fast-check';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { HOSTILE_TEXTS } from './random-values.ts';

/** Bytes of HTTP, from almost right to not at all. */

const METHODS = [
  'GET',
  'POST',
  'HEAD',
  'PUT',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'CONNECT',
  'PATCH',
  'get',
  'X',
];

const PATHS = [
  ...['/graphql', '/healthz', '/readyz', '/import', '/changes', '/task/get', '/statistics'],
  ...[
    '/statistics/record',
    '/export/all',
    '/export/tasks',
    '/export/workload',
    '/rosetta-open/import',
  ],
  ...['/', '*', '', '//graphql', '/graphql/', '/graphql/../healthz', '/%67raphql', '/constructor'],
  ...['/__proto__', 'http://x/graphql', 'http://[::bad/statistics', 'x:443', '/\\', '/graphql#x'],
];

const QUERIES = [
  ...[
    'query=%7B__typename%7D',
    'query={',
    'query=',
    'query=%00',
    'query=%ff',
    'query=%7Bcampaigns%7Bnodes%7Bname%7D%7D%7D',
  ],
  ...[
    'annotationRequestId=a',
    'annotationRequestId[]=__proto__',
    'limit=1e9',
    '__proto__[x]=1',
    'limit=1&limit=2',
  ],
  ...[
    'variables={"__proto__":1}',
    'variables=[',
    'extensions=1',
    'operationName=x',
    'filter={"and":[]}',
    'filter=x',
  ],
  ...[
    'after=x',
    'types=task',
    'format=csv',
    'format=__proto__',
    'atomic=true',
    'ignoreUnknown=x',
    'groupBy=DAY',
    'timeZone=x',
  ],
  ...[
    'a=b&a=b',
    '&&&',
    '=',
    '%',
    '?',
    'x'.repeat(3000),
    "x=';DROP TABLE task;--",
    '%0d%0aX-Injected:%201',
  ],
];

const printable = fc.string({
  unit: fc.integer({ min: 32, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 40,
});

const HEADERS = [
  ...[
    'Host: x',
    'Host: a b',
    'Host:',
    'Accept: text/html',
    'Accept: multipart/mixed',
    'Accept: text/event-stream',
  ],
  ...[
    'Accept: application/json',
    'Accept: x',
    'Accept-Encoding: gzip, br',
    'Accept-Encoding: *;q=0',
    'Accept-Encoding: ;;;',
  ],
  ...[
    'Content-Type: application/json',
    'Content-Type: text/plain',
    'Content-Type: application/x-www-form-urlencoded',
  ],
  ...[
    'Content-Type: multipart/form-data; boundary=x',
    'Content-Type: application/json; charset=utf-16',
    'Content-Type: ;',
  ],
  ...[
    'Content-Encoding: gzip',
    'Content-Encoding: br',
    'Content-Encoding: x, gzip',
    'Content-Encoding: GZIP',
  ],
  ...[
    'Connection: close',
    'Connection: keep-alive',
    'Connection: x, Upgrade',
    'Expect: 100-continue',
    'Expect: x',
  ],
  ...[
    'Upgrade: websocket',
    'Upgrade: h2c',
    'Sec-WebSocket-Key: x',
    'Sec-WebSocket-Version: 99',
    'Sec-WebSocket-Protocol: x',
  ],
  ...[
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    'Sec-WebSocket-Version: 13',
    'Origin: null',
    'Origin: http://[',
  ],
  ...[
    'Idempotency-Key: a',
    'Idempotency-Key: \u00ff',
    'Idempotency-Key:',
    `Idempotency-Key: ${'x'.repeat(300)}`,
  ],
  ...[
    'X-API-Key: x',
    'X-API-Key:',
    'Authorization: Bearer x.y.z',
    'Authorization: Basic eDp5',
    'Authorization: Bearer',
  ],
  ...[
    'Authorization: Bearer eyJhbGciOiJub25lIn0.e30.',
    'X-STARDUST-KEY: x',
    'X-TS: 1',
    'X-TS: NaN',
    `X-TS: ${'9'.repeat(400)}`,
  ],
  ...[
    'X-SIGN: x',
    `X-SIGN: ${'0'.repeat(32)}`,
    `X-SIGN-256: ${'0'.repeat(64)}`,
    'X-NONCE: x',
    'X-NONCE: \u00e9',
    'X-SIGN-256:',
  ],
  ...[
    'Range: bytes=0-',
    'If-None-Match: *',
    'Forwarded: for="x',
    'X-Forwarded-For: x',
    'Cookie: a=b',
    '__proto__: x',
  ],
  ...[
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: gzip',
    'Content-Length: 3',
    'Content-Length: -1',
    'TE: trailers',
  ],
  ...[
    'Trailer: X',
    'Max-Forwards: 0',
    'constructor: x',
    ' folded: x',
    'no colon',
    'X:\t\t',
    `X: ${'y'.repeat(8000)}`,
  ],
];

const header = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...HEADERS) },
  {
    weight: 1,
    arbitrary: fc.tuple(printable, printable).map(([name, value]) => `${name}: ${value}`),
  },
);

const JSON_BODIES = [
  ...[
    '{}',
    '{"query":"{__typename}"}',
    '{"query":"mutation{ingest(entities:[]){created}}"}',
    '[]',
    '{"a":',
    '\ufeff{}',
  ],
  ...[
    '{"annotationRequestId":"a"}',
    '{"annotationRequestId":["a"],"limit":1e999}',
    '{"__proto__":{"polluted":true}}',
  ],
  ...[
    '{"campaignId":"\\u0000","annotationRequestId":"\\ud800","sceneId":"x"}',
    '{"filter":{"not":{}}}',
    '['.repeat(3000),
  ],
  ...[
    '{"type":"campaign","id":"x"}\n\n{"type":"task"}\n',
    '{"type":"exportStart"}\n',
    '{"limit":1,"limit":2}',
  ],
];

const content = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...JSON_BODIES).map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: fc.constantFrom(...HOSTILE_TEXTS).map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(...JSON_BODIES)
      .chain((text) => fc.constantFrom(gzipSync(text), brotliCompressSync(text))),
  },
);

/** A body, with the header that says how long it is; perhaps wrongly. */
const framed = fc.oneof(
  { weight: 2, arbitrary: fc.constant(['', Buffer.alloc(0)] as const) },
  {
    weight: 4,
    arbitrary: content.map((bytes) => [`Content-Length: ${bytes.length}\r\n`, bytes] as const),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(content, fc.constantFrom(-1, 1, 1000))
      .map(([bytes, more]) => [`Content-Length: ${bytes.length + more}\r\n`, bytes] as const),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        content,
        fc.constantFrom('', '', '', ';a=b', ' ', '0', 'x'),
        fc.constantFrom(
          '0\r\n\r\n',
          '0\r\n\r\n',
          '0\r\nX: y\r\n\r\n',
          '0\r\n',
          '',
          '0\r\nbad\r\n\r\n',
        ),
      )
      .map(([bytes, suffix, end]) => {
        const size = `${bytes.length.toString(16)}${suffix}\r\n`;
        const chunks = Buffer.concat([Buffer.from(size), bytes, Buffer.from(`\r\n${end}`)]);
        return ['Transfer-Encoding: chunked\r\n', chunks] as const;
      }),
  },
);

const request = fc
  .tuple(
    fc.oneof({ weight: 3, arbitrary: fc.constantFrom('GET', 'POST') }, fc.constantFrom(...METHODS)),
    fc.constantFrom(...PATHS),
    fc.option(fc.constantFrom(...QUERIES)),
    fc.oneof(
      { weight: 20, arbitrary: fc.constant('HTTP/1.1') },
      fc.constantFrom('HTTP/1.0', 'HTTP/2.0', 'HTTP/1.1 ', 'http/1.1', ''),
    ),
    fc.array(header, { maxLength: 5 }),
    framed,
  )
  .map(([method, path, query, version, headers, [length, body]]) => {
    const target = query === null ? path : `${path}?${query}`;
    const lines = headers.map((line) => `${line}\r\n`).join('');
    return Buffer.concat([
      Buffer.from(`${method} ${target} ${version}\r\n${lines}${length}\r\n`, 'latin1'),
      body,
    ]);
  });

/** What one connection brings: a request or several, one after the other without waiting, perhaps cut or followed by anything. */
export const anyConversation = fc
  .tuple(
    fc.array(request, { minLength: 1, maxLength: 3 }),
    fc.option(fc.nat({ max: 400 }), { freq: 6 }),
    fc.oneof({ weight: 5, arbitrary: fc.constant('') }, fc.constantFrom('\0', '\r\n', 'x', '{}')),
  )
  .map(([requests, cut, rest]) => {
    const whole = Buffer.concat([...requests, Buffer.from(rest)]);
    return cut === null ? whole : whole.subarray(0, cut);
  });
