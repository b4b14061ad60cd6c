import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestGateway, type Envelope, type TestGateway } from './support/gateway.ts';
import {
  dumpTables,
  emptyTables,
  EXAMPLE,
  importText,
  line,
  PARENTS,
  work,
} from './support/import.ts';
import { bombOf, postImport, type ImportReport } from './support/ingest.ts';
import { envelopeIn, send } from './support/rest-client.ts';

const SILENCE_MS = 700;

let gateway: TestGateway;
let port: number;
beforeAll(async () => {
  gateway = await createTestGateway({
    environment: { GATEWAY_INGEST: 'on' },
    times: { bodyTimeoutMs: SILENCE_MS },
  });
  ({ port } = await gateway.listen());
});
afterEach(async () => {
  await emptyTables(gateway.database);
  gateway.logged.length = 0;
});
afterAll(() => gateway.close());

const EVERYTHING = Object.values(EXAMPLE);
const TEXT = EVERYTHING.join('\n');
const taskCount = () => gateway.database.prisma.task.count();
const endings = () => gateway.logged.filter(({ msg }) => msg === 'import ended early');

/** Starts a chunked POST over a socket of its own. */
async function startPost(headers = ''): Promise<{ socket: Socket; answer: () => string }> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (data) => (answer += data.toString()));
  socket.on('error', () => undefined);
  socket.write(`POST /import HTTP/1.1\r\nHost: x\r\n${headers}Transfer-Encoding: chunked\r\n\r\n`);
  await sleep(20);
  return { socket, answer: () => answer };
}

const chunkOf = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

describe('POST /import', () => {
  it.each(['/import', '/rosetta-open/import'])('takes NDJSON at %s', async (path) => {
    const { status, envelope, report } = await postImport(gateway, TEXT, { path });
    expect(status).toBe(200);
    expect(envelope).toMatchObject({ code: 2000, message: 'Success', success: true });
    const zeros = { created: 0, updated: 0, unchanged: 0, stale: 0, rejected: 0, warnings: 0 };
    const one = { ...zeros, created: 1 };
    expect(report).toEqual({
      lines: 5,
      rejected: 0,
      notWritten: 0,
      types: {
        campaign: one,
        annotationRequest: one,
        pool: one,
        task: one,
        annotationHistory: one,
      },
      problemCount: 0,
      problems: [],
    });
    const again = await postImport(gateway, TEXT, { path });
    expect(again.report.types.task).toEqual({ ...zeros, unchanged: 1 });
    expect((await postImport(gateway, '')).report.lines).toBe(0);
  });

  it('is unknown unless it is switched on', async () => {
    const closed = await createTestGateway({ database: gateway.database });
    for (const method of ['GET', 'POST'] as const) {
      const { statusCode, envelope } = await closed.rest({ method, url: '/import', payload: TEXT });
      expect([statusCode, envelope.code]).toEqual([404, 404]);
    }
    expect(await taskCount()).toBe(0);
  });

  it.each(['GET', 'PUT', 'DELETE', 'OPTIONS'] as const)('refuses %s', async (method) => {
    const answer = await gateway.rest({ method, url: '/rosetta-open/import' });
    expect([answer.statusCode, answer.headers.allow]).toEqual([405, 'POST']);
    expect(answer.envelope).toMatchObject({ code: 405, message: 'Method Not Allowed' });
  });

  it('lists problems with their lines, and takes the rest', async () => {
    const odd = line('annotationHistory', { instanceInfo: '{"a":1}' });
    const { status, envelope, report } = await postImport(
      gateway,
      [...PARENTS, '', EXAMPLE.task, odd, '{', line('pool', { id: '7', poolType: '-1' })].join(
        '\n',
      ),
    );
    expect([status, envelope.code]).toEqual([200, 2000]);
    expect(report).toMatchObject({ lines: 7, rejected: 2, problemCount: 3 });
    expect(report.problems.map(({ line, type, code, path }) => [line, type, code, path])).toEqual([
      [6, 'annotationHistory', 'SUM', 'instanceInfo'],
      [7, null, 'SYNTAX', null],
      [8, 'pool', 'INVALID', 'poolType'],
    ]);
    expect(report.types.annotationHistory).toMatchObject({ created: 1, warnings: 1 });
    expect(report.problems[2]!.message).toContain('poolType must be a whole number');
  });

  it('lists the first 1,000 problems and counts all', async () => {
    const { report } = await postImport(gateway, '[]\n'.repeat(1500));
    expect(report).toMatchObject({ lines: 1500, rejected: 1500, problemCount: 1500 });
    expect(report.problems.map(({ line }) => line)).toEqual(
      Array.from({ length: 1000 }, (_, i) => i + 1),
    );
  });

  it('cuts what it shows of long lines', async () => {
    const key = 'k'.repeat(100_000);
    const long = [
      line('pool', { [key]: '1' }),
      line('pool', { type: `"${key}"` }),
      line('pool', { name: `"${key}"` }),
      line('pool', { id: `1${'0'.repeat(100_000)}` }),
      line('pool', { campaignId: '1', [`${key}2`]: `"${key}"` }),
      line('task', { instanceInfo: `{"${key}":-1}` }),
      line('task', { instanceInfo: `{"a":"${key}"}` }),
      line('task', { instanceInfo: `{"${key}":1,"${key}":2}` }),
      line('annotationHistory', { createdTime: `"${key}"` }),
      `{"${key}`,
      key,
    ];
    const { report } = await postImport(gateway, long.join('\n'));
    expect(report).toMatchObject({ lines: long.length, rejected: long.length });
    for (const problem of report.problems) expect(JSON.stringify(problem).length).toBeLessThan(900);
    expect(report.problems[0]!.path).toBe(`${key.slice(0, 255)}…`);
    expect(report.problems[5]!.path).toBe(`instanceInfo.${key.slice(0, 255)}…`);
  });

  it('takes a line of 1 MiB and rejects a longer one', async () => {
    const long = (bytes: number) => {
      const text = line('campaign', { folderName: '"#"' });
      return text.replace('#', 'x'.repeat(bytes - text.length + 1));
    };
    const { report } = await postImport(gateway, `${long(1_048_577)}\n${long(1_048_576)}\n`);
    expect(report.problems).toMatchObject([{ line: 1, code: 'SYNTAX' }]);
    expect(report.types.campaign).toMatchObject({ created: 1 });
  });
});

describe('its arguments', () => {
  const odd = EXAMPLE.campaign.replace('{', '{"colour":"red",');

  it('are ignoreUnknown', async () => {
    expect((await postImport(gateway, odd)).report.rejected).toBe(1);
    const { report } = await postImport(gateway, odd, { path: '/import?ignoreUnknown=true' });
    expect(report).toMatchObject({ rejected: 0, types: { campaign: { created: 1 } } });
  });

  it('are atomic: all or nothing', async () => {
    const path = '/import?atomic=true';
    const all = await postImport(gateway, `${TEXT}\n[]\n`, { path });
    expect(all.status).toBe(200);
    expect(all.report).toMatchObject({ lines: 6, rejected: 1, notWritten: 5, problemCount: 1 });
    expect(all.report.types.campaign).toMatchObject({ created: 0, unchanged: 0 });
    expect(await gateway.database.prisma.campaign.count()).toBe(0);
    const { report } = await postImport(gateway, gzipSync(TEXT), {
      path,
      headers: { 'content-encoding': 'gzip' },
    });
    expect(report).toMatchObject({ lines: 5, rejected: 0, notWritten: 0 });
    expect(await taskCount()).toBe(1);
  });

  it.each(['atomic=1', 'atomic=', 'atomic=true&atomic=true', 'ignoreUnknown=TRUE', 'x=%ff'])(
    'are refused as %s',
    async (query) => {
      const { status, envelope, headers } = await postImport(gateway, TEXT, {
        path: `/import?${query}`,
      });
      expect([status, envelope.code, envelope.message]).toEqual([200, 4005, 'Invalid parameter']);
      expect(headers.connection).toBe('close');
      expect(await taskCount()).toBe(0);
    },
  );

  it('may be false, or unknown', async () => {
    const path = '/import?atomic=false&ignoreUnknown=false&colour=red';
    expect((await postImport(gateway, TEXT, { path })).report.lines).toBe(5);
  });
});

describe('an encoding', () => {
  const lines = [...PARENTS, ...work(300, 3)].join('\n');
  const packed = { gzip: gzipSync(lines), br: brotliCompressSync(lines) };

  it.each([
    ['gzip', packed.gzip],
    ['GZIP', Buffer.concat([gzipSync(`${PARENTS.join('\n')}\n`), packed.gzip])],
    ['br', packed.br],
    ['identity', Buffer.from(lines)],
  ])('may be %s', async (encoding, body) => {
    const { status, report } = await postImport(gateway, body, {
      headers: { 'content-encoding': encoding },
    });
    expect(status).toBe(200);
    expect(report.rejected).toBe(0);
    const stored = await dumpTables(gateway.database);
    await emptyTables(gateway.database);
    await importText(gateway.database, lines);
    expect(await dumpTables(gateway.database)).toEqual(stored);
  });

  it.each(['deflate', 'zstd', 'gzip, br', 'x'])('may not be %s', async (encoding) => {
    const { status, envelope, headers } = await postImport(gateway, deflateSync(lines), {
      headers: { 'content-encoding': encoding },
    });
    expect([status, envelope.code, envelope.message]).toEqual([415, 415, 'Unsupported Media Type']);
    expect(headers).toMatchObject({ 'accept-encoding': 'gzip, br', connection: 'close' });
  });

  it.each([
    ['gzip', packed.gzip.subarray(0, -4), 'gzip file: unexpected end of file'],
    ['gzip', Buffer.from(lines), 'gzip file: incorrect header check'],
    ['br', packed.br.subarray(0, -1), 'Brotli file: unexpected end of file'],
    ['br', Buffer.concat([packed.br, Buffer.from('more')]), 'Brotli file: data follows its end'],
    ['br', packed.gzip, 'Brotli file: Decompression failed'],
  ])('that is %s and broken is an error that names it', async (encoding, body, reason) => {
    const answer = await postImport(gateway, body, { headers: { 'content-encoding': encoding } });
    expect(answer.status).toBe(400);
    expect(answer.envelope).toMatchObject({ code: 400, message: 'Bad Request', data: null });
    const message = `The body is a truncated or corrupt ${reason}.`;
    expect(answer.headers['x-import-error']).toBe(message);
    // What could be unpacked before is stored, and the log says how far that is.
    const [ending] = endings();
    expect(ending).toMatchObject({ level: 40, requestId: answer.headers['x-request-id'] });
    expect(JSON.stringify(ending)).toContain(message);
    const stored = Object.values(await dumpTables(gateway.database)).flat().length;
    expect(ending!.lines).toBe(stored);
  });

  it.each([
    ['one line', 'x'],
    ['many lines', '\n'],
  ])('that stands for gigabytes of %s is broken off', async (_name, character) => {
    const bomb = bombOf(200_000_000, character);
    const before = process.memoryUsage().rss;
    const { status, headers } = await postImport(gateway, bomb, {
      headers: { 'content-encoding': 'br' },
    });
    expect(status).toBe(400);
    expect(headers['x-import-error']).toBe(
      'The body unpacks to more than 400 times its size, as no rows do: send it unpacked.',
    );
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
  });
});

describe('a sender', () => {
  it('is read no faster than the database writes', async () => {
    const rows = 1500;
    const bytes = 100_000;
    const filler = 'x'.repeat(bytes);
    const post = request({ port, method: 'POST', path: '/import', agent: false });
    const answered = new Promise<string>((resolve, reject) => {
      post.on('error', reject).on('response', (res) => {
        let text = '';
        res.on('data', (data) => (text += String(data))).on('end', () => resolve(text));
      });
    });
    let sent = 0;
    let peak = 0;
    const sending = (async () => {
      for (let i = 0; i < rows; i++) {
        const text = line('campaign', { folderName: `"${i}${filler}"` });
        await new Promise<void>((resolve, reject) => {
          post.write(`${text}\n`, (error) => (error ? reject(error) : resolve()));
        });
        sent += bytes;
        peak = Math.max(peak, process.memoryUsage().rss);
      }
      post.end();
    })();
    await gateway.database.prisma.$transaction(
      async (tx) => {
        await tx.$executeRawUnsafe('LOCK TABLE campaign IN ACCESS EXCLUSIVE MODE');
        // Long enough for a sender to be called silent, were it one.
        let before = -1;
        for (const end = Date.now() + 3 * SILENCE_MS; Date.now() < end || sent > before;) {
          before = sent;
          await sleep(200);
        }
        expect(sent).toBeGreaterThan(bytes);
        // Two batches, and what the sockets of the system hold.
        expect(sent).toBeLessThan(40_000_000);
      },
      { timeout: 30_000 },
    );
    await sending;
    const { data } = JSON.parse(await answered) as Envelope;
    expect(data).toMatchObject({ lines: rows, rejected: 0 });
    const types = (data as ImportReport).types;
    expect(types.campaign).toMatchObject({ created: 1, updated: rows - 1 });
  });

  it('who goes silent is ended with 408, and the lines before are stored', async () => {
    const { socket, answer } = await startPost();
    socket.write(chunkOf(`${[...PARENTS, ...work(10, 0)].join('\n')}\n{"type":"ta`));
    const started = performance.now();
    await new Promise((resolve) => socket.once('close', resolve));
    expect(performance.now() - started).toBeGreaterThan(SILENCE_MS - 100);
    expect(answer()).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(envelopeIn(answer())).toMatchObject({ code: 408, data: null });
    expect(await taskCount()).toBe(10);
    expect(endings()).toMatchObject([{ lines: 13, rejected: 0 }]);
  });

  it('who says a little now and then is heard to the end', async () => {
    const { socket, answer } = await startPost();
    for (const text of [...PARENTS, EXAMPLE.task]) {
      await sleep(SILENCE_MS / 2);
      socket.write(chunkOf(`${text}\n`));
    }
    socket.write('0\r\n\r\n');
    await expect.poll(() => answer()).toContain('"lines":4');
    socket.destroy();
  });

  it('who breaks off leaves the whole lines before', async () => {
    const lines = [...PARENTS, ...work(1200, 0)];
    const { socket } = await startPost();
    socket.write(chunkOf(`${lines.join('\n')}\n{"type":"ca`));
    await expect.poll(taskCount).toBeGreaterThan(900);
    await sleep(100);
    socket.resetAndDestroy();
    await expect
      .poll(endings)
      .toMatchObject([
        { level: 40, lines: lines.length, rejected: 0, types: { task: { created: 1200 } } },
      ]);
    expect(await taskCount()).toBe(1200);
    expect((await postImport(gateway, TEXT)).status).toBe(200);
  });

  it('who breaks off an atomic import leaves nothing, and holds nobody up', async () => {
    const atomic = connect(port, '127.0.0.1');
    atomic.write(
      `POST /import?atomic=true HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunkOf(`${TEXT}\n`)}`,
    );
    await sleep(200);
    // The transaction waits for the body, and not the other way round.
    const read = await send({ port }, { path: '/statistics?annotationRequestId=ar-1' });
    expect(read.envelope.code).toBe(53003);
    expect(endings()).toEqual([]);
    atomic.resetAndDestroy();
    await expect.poll(() => endings().length).toBeGreaterThan(0);
    expect(await gateway.database.prisma.campaign.count()).toBe(0);
  });

  it('may take longer than other requests, and only here', async () => {
    const { server, port: slowPort } = await gateway.listen();
    Object.assign(server, { headersTimeout: 1000, requestTimeout: 1000 });
    const post = (path: string) => {
      const socket = connect(slowPort, '127.0.0.1');
      let answer = '';
      socket.on('data', (data) => (answer += data.toString())).on('error', () => undefined);
      socket.write(
        `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
      );
      return { socket, answer: () => answer };
    };
    const [slow, other] = [post('/import'), post('/graphql')];
    // Node looks for late requests every five seconds.
    for (let i = 0; i < 26; i++) {
      slow.socket.write(chunkOf('\n'));
      if (!other.socket.destroyed) other.socket.write(chunkOf('\n'));
      await sleep(250);
    }
    slow.socket.write(`${chunkOf(TEXT)}0\r\n\r\n`);
    await expect.poll(() => slow.answer()).toContain('"lines":5');
    expect(slow.answer()).not.toContain('408');
    expect(other.answer()).toContain('HTTP/1.1 408 ');
    other.socket.destroy();
    slow.socket.destroy();
  }, 20_000);

  it('is refused without being read, and reads why', async () => {
    const { socket, answer } = await startPost('Content-Encoding: zstd\r\n');
    for (let i = 0; i < 100; i++) socket.write(chunkOf('x'.repeat(10_000)));
    socket.write('0\r\n\r\n');
    await new Promise((resolve) => socket.once('close', resolve));
    expect(envelopeIn(answer()).code).toBe(415);
  });

  it('may use the connection again', async () => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.on('data', (data) => (answer += data.toString()));
    const one = `POST /import HTTP/1.1\r\nHost: x\r\nContent-Length: ${TEXT.length}\r\n\r\n${TEXT}`;
    socket.write(one + one);
    await expect.poll(() => answer.match(/"lines":5/g)?.length).toBe(2);
    socket.destroy();
  });
});
