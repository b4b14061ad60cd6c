import fc from 'fast-check';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isTextId } from '../src/domain/ids.ts';
import { parseBody } from '../src/rest/body.ts';
import { send, type Envelope } from './support/rest-client.ts';
import { startRestServer, type RestServer } from './support/rest-server.ts';

let server: RestServer;

beforeAll(async () => {
  server = await startRestServer({ maxBodyBytes: 100_000 });
});
afterAll(async () => {
  expect(server.failures).toEqual([]);
  await server.close();
});

const ENVELOPE_KEYS = ['code', 'message', 'data', 'date', 'requestId', 'success'];

function expectEnvelope(envelope: Envelope): void {
  expect(Object.keys(envelope)).toEqual(ENVELOPE_KEYS);
  expect(envelope.success).toBe(envelope.code === 2000);
  if (!envelope.success) expect(envelope.data).toBeNull();
}

/** Whatever was executed lies inside what the contract allows. */
function expectValidVariables(maxPageSize: number): void {
  const { variables } = server.executions.pop() ?? {};
  const ids = variables?.annotationRequestIds as string[];
  expect(ids.length).toBeGreaterThanOrEqual(1);
  expect(ids.length).toBeLessThanOrEqual(1000);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.every(isTextId)).toBe(true);
  for (const [value, max] of [
    [variables?.page, 2_147_483_647],
    [variables?.pageSize, maxPageSize],
  ] as const) {
    expect(Number.isInteger(value)).toBe(true);
    expect(value).toBeGreaterThanOrEqual(1);
    expect(value).toBeLessThanOrEqual(max);
  }
}

const NAMES = ['annotationRequestId', 'offset', 'limit', 'pageNumber', 'pageSize'];

const queryToken = fc.oneof(
  fc.constantFrom(...NAMES, '[]', '[0]', '[', ']', '=', '=', '&', '&', ',', '+', '#', '?', '/'),
  fc.constantFrom(
    '%',
    '%00',
    '%ED%A0%80',
    '%FF',
    '%2',
    '%5B%5D',
    '%2C',
    '%F0%9F%98%80',
    '__proto__',
  ),
  fc.constantFrom('0', '1', '100', '1001', '2147483648', '-1', '1.0', '1e3', 'a', 'b'),
  fc.string({
    unit: fc.constantFrom(...Array.from({ length: 94 }, (_, i) => String.fromCharCode(i + 33))),
  }),
);
const query = fc.array(queryToken, { maxLength: 30 }).map((tokens) => tokens.join(''));

const jsonValue = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.integer({ min: -2, max: 2000 }),
  fc.constantFrom('1', '10', 'a', 'a,b', '', null),
  fc.array(fc.string({ unit: 'binary', maxLength: 300 }), { maxLength: 3 }),
);
const body = fc.oneof(
  fc.constant(undefined),
  fc.dictionary(fc.constantFrom(...NAMES, 'x', '__proto__'), jsonValue),
  fc.json(),
  fc.string({ unit: fc.constantFrom(...'{}[]":,\\u0123.eE- \nnulltruefals') }),
  fc.uint8Array(),
);

describe('whatever a caller sends', () => {
  it('the lists answer with an envelope: 2000 for valid arguments, else 4005', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(['/statistics', 100] as const, ['/statistics/record', 1000] as const),
        query,
        body,
        fc.boolean(),
        async ([path, maxPageSize], queryString, content, chunked) => {
          const answer = await send(server, {
            path: `${path}?${queryString}`,
            body: content,
            chunked,
          });
          expect(answer.status).toBe(200);
          expectEnvelope(answer.envelope);
          expect([2000, 4005]).toContain(answer.envelope.code);
          if (answer.envelope.success) expectValidVariables(maxPageSize);
          expect(server.executions).toEqual([]);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('a task answers with an envelope: 2000 for three valid ids, else 4005', async () => {
    const id = fc.oneof(fc.string({ unit: 'binary', maxLength: 140 }), jsonValue);
    await fc.assert(
      fc.asyncProperty(
        fc.record({ campaignId: id, annotationRequestId: id, sceneId: id }, { requiredKeys: [] }),
        query,
        async (ids, queryString) => {
          const answer = await send(server, {
            method: 'POST',
            path: `/task/get?${queryString}`,
            body: ids,
          });
          const names = ['campaignId', 'annotationRequestId', 'sceneId'] as const;
          const valid = names.every((name) => {
            const value = ids[name];
            return typeof value === 'string' && isTextId(value);
          });
          expect(answer.status).toBe(200);
          expectEnvelope(answer.envelope);
          expect(answer.envelope.code).toBe(valid ? 2000 : 4005);
          expect(server.executions.splice(0).map((execution) => execution.variables)).toEqual(
            valid ? [ids] : [],
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it('bytes that are no HTTP get an envelope too, or nothing if there are none', async () => {
    const line = fc.constantFrom(
      ...[
        'GET ',
        'POST ',
        '/statistics',
        '/task/get',
        ' HTTP/1.1',
        ' HTTP/1.0',
        '\r\n',
        '\r\n\r\n',
      ],
      ...['Host: x\r\n', 'Content-Length: 2\r\n', 'Content-Length: x\r\n', 'Upgrade: h2c\r\n'],
      ...[
        'Transfer-Encoding: chunked\r\n',
        'Transfer-Encoding: gzip\r\n',
        '2\r\n{}\r\n',
        '0\r\n\r\n',
      ],
      ...['Expect: 100-continue\r\n', 'Connection: close\r\n', '{}', '\0', ' ', ':'],
    );
    const bytes = fc.oneof(
      fc.array(line, { maxLength: 12 }).map((lines) => Buffer.from(lines.join(''))),
      fc.uint8Array({ maxLength: 200 }),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (content) => {
        const answer = await halfClosed(content);
        for (const part of answer.split(/(?=HTTP\/1\.1 )/)) {
          if (part === '' || part.startsWith('HTTP/1.1 100 ')) continue;
          const text = part.slice(part.indexOf('\r\n\r\n') + 4);
          expectEnvelope(JSON.parse(text) as Envelope);
          expect(part).not.toMatch(/^HTTP\/1\.1 5/);
        }
      }),
      { numRuns: 300 },
    );
  });
});

/** Sends bytes and the end of them, and gives what came back. */
function halfClosed(bytes: Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(server.port, '127.0.0.1');
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(Buffer.concat(chunks).toString()));
    socket.end(bytes);
  });
}

describe('ids arrive as they were sent', () => {
  const ids = fc.array(fc.string({ unit: 'binary', maxLength: 100 }).filter(isTextId), {
    minLength: 1,
    maxLength: 10,
  });

  it('in any spelling of the query string', async () => {
    const spelling = fc.constantFrom(
      'annotationRequestId',
      'annotationRequestId[]',
      'annotationRequestId[3]',
    );
    await fc.assert(
      fc.asyncProperty(ids, spelling, async (sent, name) => {
        // A single bare value is the one spelling that takes commas for a list.
        fc.pre(sent.length > 1 || name.endsWith(']') || !sent[0]?.includes(','));
        const path = `/statistics?${sent.map((id) => `${encodeURIComponent(name)}=${encodeURIComponent(id)}`).join('&')}`;
        expect((await send(server, { path })).envelope.code).toBe(2000);
        const received = server.executions.pop()?.variables.annotationRequestIds as string[];
        expect(new Set(received)).toEqual(new Set(sent));
      }),
    );
  });

  it('in a body', async () => {
    await fc.assert(
      fc.asyncProperty(ids, async (sent) => {
        const answer = await send(server, {
          path: '/statistics',
          body: { annotationRequestId: sent },
        });
        expect(answer.envelope.code).toBe(2000);
        expect(server.executions.pop()?.variables.annotationRequestIds).toEqual([...new Set(sent)]);
      }),
    );
  });
});

describe('a body is split into its members', () => {
  it('as JSON.parse would', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()),
        fc.constantFrom(undefined, ' ', '\t'),
        (object, indent) => {
          const text = JSON.stringify(object, undefined, indent);
          const members = parseBody(Buffer.from(text));
          const parsed = Object.entries(JSON.parse(text) as Record<string, unknown>).filter(
            ([, value]) => value !== null,
          );
          const split = [...(members ?? [])].map(([name, sources]): [string, unknown[]] => [
            name,
            sources.map((source) => JSON.parse(source) as unknown),
          ]);
          expect(split).toEqual(parsed.map(([name, value]) => [name, [value]]));
        },
      ),
      { numRuns: 2000 },
    );
  });
});
