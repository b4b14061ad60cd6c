import { createServer, ServerResponse, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { renderClientError } from '../src/rest/http.ts';
import { writeFailure } from '../src/rest/rest.ts';
import { formatInstant } from '../src/domain/clocks.ts';
import { envelopeIn, send, sendBytes } from './support/rest-client.ts';
import { startRestServer, type RestServer } from './support/rest-server.ts';

const MAX_BODY_BYTES = 1000;

let server: RestServer;

beforeAll(async () => {
  server = await startRestServer({ maxBodyBytes: MAX_BODY_BYTES, bodyTimeoutMs: 300 });
});
afterEach(() => {
  server.answer = undefined;
  server.executions.length = 0;
  server.outcomes.length = 0;
});
afterAll(async () => {
  expect(server.failures).toEqual([]);
  await server.close();
});

const LIST = '/statistics?annotationRequestId=a';

describe('the envelope', () => {
  it('has its keys in order, the time, and the id that the header has too', async () => {
    const before = Date.now();
    const { status, headers, text, envelope } = await send(server, { path: LIST });
    expect(status).toBe(200);
    expect(Object.keys(envelope)).toEqual([
      'code',
      'message',
      'data',
      'date',
      'requestId',
      'success',
    ]);
    expect(envelope).toMatchObject({
      code: 2000,
      message: 'Success',
      data: { count: 0, data: [] },
      success: true,
    });
    expect(envelope.date).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
    const date = Date.parse(`${envelope.date.replace(' ', 'T')}Z`);
    expect(date).toBeGreaterThan(before - 1000);
    expect(date).toBeLessThanOrEqual(Date.now());
    expect(envelope.requestId).toMatch(/^[0-9a-f]{32}$/);
    expect(envelope.requestId).toBe(headers['x-request-id']);
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
    expect(headers['content-length']).toBe(String(Buffer.byteLength(text)));
    const again = await send(server, { path: LIST });
    expect(again.envelope.requestId).not.toBe(envelope.requestId);
  });

  it.each([
    ['BAD_USER_INPUT', 200, 4005, 'Invalid parameter'],
    ['CAMPAIGN_NOT_FOUND', 200, 51008, 'Campaign not exists.'],
    ['ANNOTATION_REQUEST_NOT_FOUND', 200, 53003, 'Annotation request has not exists.'],
    ['SCENE_NOT_FOUND', 200, 56001, 'SceneId is not exists.'],
    ['SERVICE_UNAVAILABLE', 503, 5000, 'Service hiccuped, please try again later.'],
    ['INTERNAL_SERVER_ERROR', 500, 5000, 'Service hiccuped, please try again later.'],
    ['TIMEOUT', 500, 5000, 'Service hiccuped, please try again later.'],
  ] as const)('reports %s with HTTP %i and code %i', async (errorCode, status, code, message) => {
    server.answer = { errorCode };
    const answer = await send(server, { path: LIST });
    expect(answer.status).toBe(status);
    expect(answer.envelope).toMatchObject({ code, message, data: null, success: false });
    expect(answer.headers['retry-after']).toBe(status === 503 ? '1' : undefined);
    expect(server.outcomes).toEqual([{ route: '/statistics', status, code }]);
  });

  it('says 53003 where any request is unknown', async () => {
    server.answer = {
      data: { unknownAnnotationRequestIds: '["b"]', count: '1', data: '[]' },
    };
    const { status, envelope } = await send(server, { path: LIST });
    expect([status, envelope.code, envelope.data]).toEqual([200, 53003, null]);
  });
});

describe('paths', () => {
  it.each(['', '/rosetta-open', 'http://example.com:80', 'HTTPS://x/rosetta-open'])(
    'answer under "%s"',
    async (base) => {
      const list = await send(server, { path: base + LIST });
      expect(list.envelope.code).toBe(2000);
      const record = await send(server, {
        path: `${base}/statistics/record?annotationRequestId=a`,
      });
      expect(record.envelope).toMatchObject({ code: 2000, data: [] });
      const task = await send(server, {
        method: 'POST',
        path: `${base}/task/get`,
        body: { campaignId: 'c', annotationRequestId: 'a', sceneId: 's' },
      });
      expect(task.text).toContain(
        '"data":{"viewUrl":"https://rosetta.example.com/","status":1},"date"',
      );
      expect(server.outcomes.map((outcome) => outcome.route)).toEqual([
        '/statistics',
        '/statistics/record',
        '/task/get',
      ]);
    },
  );

  it.each([
    ...['/', '/statistic', '/statistics/', '//statistics', '/Statistics', '/%73tatistics'],
    ...[
      '/statistics#',
      '/statistics/records',
      '/rosetta-open',
      '/rosetta-open/rosetta-open/statistics',
    ],
    ...['/task', '/task/get/x', '*', 'http://example.com', 'http://example.com?x', '/constructor'],
  ])('are 404 elsewhere: %s', async (path) => {
    for (const method of ['GET', 'POST', 'HEAD']) {
      const { status, envelope } = await send(server, { method, path });
      expect(status).toBe(404);
      if (method !== 'HEAD') {
        expect(envelope).toMatchObject({ code: 404, message: 'Not Found', data: null });
      }
      expect(server.outcomes.pop()).toEqual({ route: 'unknown', status: 404, code: 404 });
    }
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'])(
    'of lists refuse %s',
    async (method) => {
      for (const path of ['/statistics', '/rosetta-open/statistics/record']) {
        const { status, headers, envelope } = await send(server, { method, path });
        expect(status).toBe(405);
        expect(headers.allow).toBe('GET');
        if (method !== 'HEAD') {
          expect(envelope).toMatchObject({ code: 405, message: 'Method Not Allowed', data: null });
        }
      }
    },
  );

  it.each(['GET', 'PUT', 'OPTIONS', 'HEAD'])('of a task refuse %s', async (method) => {
    const { status, headers } = await send(server, { method, path: '/task/get' });
    expect([status, headers.allow]).toEqual([405, 'POST']);
  });
});

describe('a body', () => {
  /** A JSON object of so many bytes. */
  const bodyOf = (bytes: number) => {
    const start = '{"annotationRequestId":"a","x":"';
    return `${start}${'x'.repeat(bytes - start.length - 2)}"}`;
  };

  it.each([false, true])('may have as many bytes as are allowed (chunked: %s)', async (chunked) => {
    const path = '/statistics';
    const most = await send(server, { path, body: bodyOf(MAX_BODY_BYTES), chunked });
    expect(most.envelope.code).toBe(2000);
    const more = await send(server, { path, body: bodyOf(MAX_BODY_BYTES + 1), chunked });
    expect(more.status).toBe(413);
    expect(more.headers.connection).toBe('close');
    expect(more.envelope).toMatchObject({
      code: 413,
      message: 'Payload Too Large',
      data: null,
      success: false,
    });
    const post = { method: 'POST', path: '/task/get', body: bodyOf(MAX_BODY_BYTES + 1), chunked };
    expect((await send(server, post)).status).toBe(413);
    expect(server.executions).toHaveLength(1);
  });

  it.each([
    ['announced', `Content-Length: 20000000\r\n\r\n`],
    ['chunked', 'Transfer-Encoding: chunked\r\n\r\n1312D00\r\n'],
  ])(
    'that is far too long gets its answer through to a sender who reads only when all is sent (%s)',
    async (_, headers) => {
      const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
      socket.write(`GET /statistics HTTP/1.1\r\nHost: x\r\n${headers}`);
      for (let sent = 0; sent < 20_000_000; sent += 1_000_000) {
        await new Promise<void>((resolve, reject) => {
          socket.write(Buffer.alloc(1_000_000, ' '), (error) =>
            error ? reject(error) : resolve(),
          );
        });
      }
      let answer = '';
      for await (const data of socket) answer += String(data);
      expect(envelopeIn(answer).code).toBe(413);
    },
  );

  it('that is announced as too long is refused before it is sent', async () => {
    const head = `GET /statistics HTTP/1.1\r\nHost: x\r\nContent-Length: ${MAX_BODY_BYTES + 1}\r\n\r\n`;
    const started = Date.now();
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(server.port, '127.0.0.1', () => socket.write(head));
      socket.on('data', (data) => {
        resolve(data.toString());
        socket.destroy();
      });
    });
    expect(envelopeIn(answer).code).toBe(413);
    expect(Date.now() - started).toBeLessThan(1000);
  });

  it('that does not come in time gets 408', async () => {
    const answer = await sendBytes(
      server,
      'POST /task/get HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(answer).toMatch(/\r\nConnection: close\r\n/i);
    expect(envelopeIn(answer)).toMatchObject({ code: 408, message: 'Request Timeout', data: null });
  });

  it('that trickles in gets 408', async () => {
    const started = Date.now();
    const socket = connect(server.port, '127.0.0.1');
    let answer = '';
    socket.on('data', (data) => (answer += data.toString()));
    socket.on('error', () => undefined);
    socket.write('GET /statistics HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n');
    while (answer === '' && Date.now() - started < 3000) {
      socket.write(' ');
      await sleep(20);
    }
    expect(envelopeIn(answer).code).toBe(408);
    socket.destroy();
  });

  it('that breaks off is no answer and no failure', async () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.write('GET /statistics HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{');
    await sleep(50);
    socket.resetAndDestroy();
    await expect
      .poll(() => server.outcomes)
      .toEqual([{ route: '/statistics', status: 400, code: 400 }]);
  });

  it('whose chunks are broken gets 400', async () => {
    const answer = await sendBytes(
      server,
      'GET /statistics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n',
    );
    expect(envelopeIn(answer)).toMatchObject({ code: 400, message: 'Bad Request' });
  });

  it('leaves the connection to the next request', async () => {
    const body = '{"annotationRequestId":"a"}';
    const one = `GET /statistics HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const unread = `GET /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n${' '.repeat(5000)}`;
    const last = 'GET /statistics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    const answer = await sendBytes(server, one + unread + one + last);
    expect(answer.match(/"code":\d+/g)).toEqual([
      '"code":2000',
      '"code":404',
      '"code":2000',
      '"code":4005',
    ]);
  });
});

describe('failures outside the routes', () => {
  it('are envelopes with the status as their code', () => {
    const failures = [
      { status: 401, message: 'Unauthorized' },
      { status: 403, message: 'Forbidden' },
      { status: 429, message: 'Too Many Requests' },
      { status: 503, code: 5000, message: 'Service hiccuped, please try again later.' },
      { status: 500, code: 5000, message: 'Service hiccuped, please try again later.' },
    ];
    for (const { code, message, ...failure } of failures) {
      const res = new ServerResponse({ method: 'GET' } as IncomingMessage);
      let body = '';
      res.end = ((text: string) => ((body = text), res)) as ServerResponse['end'];
      writeFailure(res, { requestId: 'f'.repeat(32), timeZone: 'Asia/Shanghai', ...failure });
      expect(res.statusCode).toBe(failure.status);
      expect(res.getHeader('Retry-After')).toBe(failure.status === 503 ? 1 : undefined);
      expect(JSON.parse(body)).toEqual({
        code: code ?? failure.status,
        message,
        data: null,
        date: formatInstant(new Date(), 'Asia/Shanghai'),
        requestId: 'f'.repeat(32),
        success: false,
      });
    }
  });

  it('of Node’s parser are envelopes too', async () => {
    const long = await sendBytes(
      server,
      `GET /statistics?x=${'x'.repeat(131_072)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    );
    expect(long).toMatch(/^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/);
    expect(long).toMatch(/\r\nConnection: close\r\n/);
    expect(envelopeIn(long)).toMatchObject({
      code: 431,
      message: 'Request Header Fields Too Large',
      data: null,
      success: false,
    });
    expect(long).toContain(`\r\nX-Request-Id: ${envelopeIn(long).requestId}\r\n`);
    const endless = `GET /?${'x'.repeat(8_000_000)} HTTP/1.1\r\n\r\n`;
    expect(envelopeIn(await sendBytes(server, endless)).code).toBe(431);
    const garbage = await sendBytes(server, 'hello\r\n\r\n');
    expect(envelopeIn(garbage)).toMatchObject({ code: 400, message: 'Bad Request' });
  });

  it('of a head that never ends are 408', async () => {
    const slow = createServer({ headersTimeout: 50, connectionsCheckingInterval: 20 });
    slow.on('clientError', (error, socket) => {
      socket.end(renderClientError(error, { requestId: 'f'.repeat(32), timeZone: 'UTC' }).answer);
    });
    await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
    const { port } = slow.address() as { port: number };
    const answer = await sendBytes({ port }, 'GET /statistics HTTP/1.1\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(envelopeIn(answer)).toMatchObject({ code: 408, message: 'Request Timeout' });
    slow.close();
  });
});

describe('time', () => {
  it.each([
    ['2025-04-01T10:00:00.999Z', 'UTC', '2025-04-01 10:00:00'],
    ['2025-04-01T10:00:00.000Z', 'Asia/Shanghai', '2025-04-01 18:00:00'],
    ['2025-12-31T23:59:59.999Z', 'Asia/Shanghai', '2026-01-01 07:59:59'],
    ['2025-03-31T16:00:00.000Z', 'Asia/Shanghai', '2025-04-01 00:00:00'],
    ['2025-03-30T00:59:59.000Z', 'Europe/Berlin', '2025-03-30 01:59:59'],
    ['2025-03-30T01:00:00.000Z', 'Europe/Berlin', '2025-03-30 03:00:00'],
    ['2025-01-01T00:00:00.000Z', 'America/St_Johns', '2024-12-31 20:30:00'],
    ['0999-12-31T23:00:00.000Z', 'UTC', '0999-12-31 23:00:00'],
    ['0999-12-31T23:00:00.000Z', 'Etc/GMT-1', '1000-01-01 00:00:00'],
    ['0999-12-31T22:59:59.999Z', 'Etc/GMT-1', '0999-12-31 23:59:59'],
    ['0000-02-29T00:00:00.000Z', 'Etc/GMT-1', '0000-02-29 01:00:00'],
    ['1969-12-31T23:59:59.500Z', 'Etc/GMT-1', '1970-01-01 00:59:59'],
  ])('%s in %s is %s', (instant, zone, text) => {
    expect(formatInstant(instant, zone)).toBe(text);
    expect(formatInstant(new Date(instant), zone)).toBe(text);
  });

  it('of the date is in the zone of the gateway', async () => {
    const shanghai = await startRestServer({ timeZone: 'Asia/Shanghai' });
    const { envelope } = await send(shanghai, { path: LIST });
    const date = Date.parse(`${envelope.date.replace(' ', 'T')}+08:00`);
    expect(Math.abs(Date.now() - date)).toBeLessThan(5000);
    await shanghai.close();
  });
});
