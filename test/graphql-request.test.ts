import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestGateway, type TestGateway } from './support/gateway.ts';

let gateway: TestGateway;
let port = 0;
beforeAll(async () => {
  gateway = await createTestGateway();
  // The character that others put where bytes are no UTF-8.
  await gateway.database.prisma.campaign.create({
    data: { id: '\ufffd', name: 'replacement', projectId: 1n, campaignType: 'POC' },
  });
  ({ port } = await gateway.listen());
});
afterAll(() => gateway.close());

/** Sends bytes as they are and reads the answer to its end. */
function send(bytes: string | Buffer): Promise<{ status: number; head: string; body: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('error', reject);
    socket.on('close', () => {
      const [head = '', body = ''] = text.split('\r\n\r\n');
      resolve({ status: Number(head.split(' ')[1]), head, body });
    });
  });
}

function post(body: string | Buffer, headers = 'Content-Type: application/json\r\n') {
  const length = Buffer.byteLength(body);
  return send(
    Buffer.concat([
      Buffer.from(
        `POST /graphql HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}Content-Length: ${length}\r\n\r\n`,
      ),
      Buffer.from(body),
    ]),
  );
}

const get = (target: string, headers = 'Host: x\r\n') =>
  send(`GET ${target} HTTP/1.1\r\n${headers}Connection: close\r\n\r\n`);

const codesOf = (body: string) =>
  (JSON.parse(body) as { errors: { extensions: { code: string } }[] }).errors.map(
    ({ extensions }) => extensions,
  );

describe('a request to /graphql', () => {
  it.each(['Host: a b<>^\r\n', 'Host: \r\n', 'Host: [::\r\n', ''])(
    'is answered whatever its Host header: %j',
    async (host) => {
      const { status, body } = await get('/graphql?query=%7B__typename%7D', host);
      expect(status).toBe(200);
      expect(JSON.parse(body)).toMatchObject({ data: { __typename: 'Query' } });
    },
  );

  it('may name its target in the absolute form, even a broken one', async () => {
    for (const target of ['http://x/graphql', 'http://[::bad/graphql']) {
      const { status, body } = await get(`${target}?query=%7B__typename%7D`);
      expect(status).toBe(200);
      expect(JSON.parse(body)).toMatchObject({ data: { __typename: 'Query' } });
    }
  });

  it('is refused where its bytes are no UTF-8, which would find another row', async () => {
    const query = (id: string) => `{campaign(campaignId:"${id}"){name}}`;
    const body = Buffer.from(JSON.stringify({ query: query('@') }));
    body[body.indexOf('@')] = 0xff;
    for (const answer of [
      await post(body),
      await get(`/graphql?query=${encodeURIComponent(query('@')).replace('%40', '%ff')}`),
    ]) {
      expect(answer.status).toBe(400);
      expect(codesOf(answer.body)).toEqual([{ code: 'BAD_USER_INPUT' }]);
    }
  });

  it.each(['variables={', 'extensions=x', 'variables=%7B%22a%22%3A%7D'])(
    'is refused where a parameter is not JSON: %s',
    async (parameter) => {
      const { status, body } = await get(`/graphql?query=%7B__typename%7D&${parameter}`);
      expect(status).toBe(400);
      expect(codesOf(body)).toEqual([{ code: 'BAD_USER_INPUT' }]);
    },
  );

  it.each([
    '',
    '{',
    '[]',
    'null',
    '1',
    '[{"query":"{__typename}"}]',
    '{}',
    '{"query":1}',
    '{"nope":1}',
  ])("is the caller's fault where its body is %j", async (body) => {
    const answer = await post(body);
    expect(answer.status).toBe(400);
    // The code alone: nothing of the body, and nothing of the parser's words.
    for (const extensions of codesOf(answer.body)) {
      expect(extensions).toEqual({ code: 'BAD_USER_INPUT' });
    }
  });

  it('takes a media type in any case', async () => {
    const { status } = await post('{"query":"{__typename}"}', 'Content-Type: Application/JSON\r\n');
    expect(status).toBe(200);
  });

  it('may have a body of 1 MiB and no more', async () => {
    const pad = (length: number) => {
      const query = '{"query":"{__typename}","operationName":null,"variables":{"x":""}}';
      return query.replace('""', `"${'x'.repeat(length - query.length)}"`);
    };
    expect((await post(pad(1_048_576))).status).toBe(200);
    const { status, body } = await post(pad(1_048_577));
    expect(status).toBe(413);
    expect(JSON.parse(body)).toMatchObject({ code: 413, success: false });
  });

  it.each([
    ['selections', '{a'.repeat(100_000)],
    ['lists', `{campaign(campaignId:${'['.repeat(100_000)}`],
    ['types', `query($a:${'['.repeat(100_000)}`],
  ])("is the caller's fault where it is nested too deeply: %s", async (_name, query) => {
    const { body } = await post(JSON.stringify({ query }));
    const [extensions] = codesOf(body);
    expect(['BAD_USER_INPUT', 'GRAPHQL_PARSE_FAILED']).toContain(extensions?.code);
  });

  it("is the caller's fault where it is valid and too deep for the database", async () => {
    const { database } = gateway;
    const deep = await createTestGateway({ database, environment: { GATEWAY_MAX_DEPTH: '500' } });
    const levels = 165;
    const query = `{campaigns{nodes{${'tasks(first:1){nodes{campaign{'.repeat(levels)}name${'}}}'.repeat(levels)}}}}`;
    const [error] = await deep.gqlErrors(query);
    expect(error!.extensions).toEqual({ code: 'BAD_USER_INPUT' });
    await deep.close();
  });
});

describe('a probe', () => {
  it('is read only', async () => {
    for (const path of ['/healthz', '/readyz']) {
      const answer = await gateway.rest({ method: 'POST', url: path });
      expect(answer.statusCode).toBe(405);
      expect(answer.headers.allow).toBe('GET, HEAD');
      expect(answer.envelope).toMatchObject({ code: 405, message: 'Method Not Allowed' });
    }
  });
});

it('an expectation nobody knows is ignored', async () => {
  const { status } = await get('/healthz', 'Host: x\r\nExpect: something\r\n');
  expect(status).toBe(200);
});
