import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeDirectories, temporaryDirectory } from './support/directory.ts';
import { endPrograms, runProgram, startServer, type Server } from './support/process.ts';
import { send } from './support/rest-client.ts';

const shell = promisify(execFile);

/** Seconds from the very first start to the first answer, at most; usually a tenth of it. */
const FIRST_START_S = 60;

let directory: string;
let server: Server;
let firstStart: number;

/** The one directory of this file: what one test leaves behind, the next one finds. */
function startHere(environment: Record<string, string> = {}): Promise<Server> {
  return startServer({ GATEWAY_DATA_DIR: directory, ...environment });
}

async function statusOf(path: string): Promise<number> {
  return (await fetch(server.url + path)).status;
}

/** The number of tasks and records, by GraphQL. */
async function counts(): Promise<unknown> {
  const query = '{ tasks { totalCount } annotationHistory { totalCount } }';
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return (await response.json()) as unknown;
}

/** A POST whose body is on its way: the answer comes when `finish` has sent the rest. */
function beginRequest(body: object) {
  const bytes = JSON.stringify(body);
  const req = request(`${server.url}/task/get`, {
    method: 'POST',
    agent: false,
    headers: { 'Content-Length': bytes.length },
  });
  req.flushHeaders();
  req.write(bytes.slice(0, 5));
  return {
    req,
    finish: () => req.end(bytes.slice(5)),
    answer: new Promise<number>((resolve, reject) => {
      req.on('response', (res) => resolve(res.resume().statusCode!));
      req.on('error', reject);
    }),
  };
}

beforeAll(async () => {
  directory = await temporaryDirectory();
  const started = performance.now();
  server = await startHere();
  await server.waitForLog('ready', FIRST_START_S * 1000);
  firstStart = performance.now() - started;
});
afterAll(async () => {
  await endPrograms();
  await removeDirectories();
});

describe('the first start', () => {
  it('is ready with demo data in time', async () => {
    expect(firstStart).toBeLessThan(FIRST_START_S * 1000);
    expect(await statusOf('/readyz')).toBe(200);
    expect(server.logged).toContainEqual(expect.objectContaining({ msg: 'demo data loaded' }));
    expect(await counts()).toMatchObject({
      data: {
        tasks: { totalCount: 2000 },
        annotationHistory: { totalCount: expect.any(Number) as number },
      },
    });
  });

  it('warns once that nobody is asked who he is', () => {
    const warnings = server.logged.filter(({ level }) => (level as number) >= 40);
    expect(warnings.map(({ msg }) => msg)).toEqual([
      'GATEWAY_AUTH is off: every program on this machine may ask for everything',
    ]);
  });

  it('names GraphiQL, and a request for each route that works as it is printed', async () => {
    const ready = await server.waitForLog('ready');
    expect(ready.msg).toBe(`ready: GraphiQL at ${server.url}/graphql`);
    const page = await fetch(ready.graphiql as string, { headers: { Accept: 'text/html' } });
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(await page.text()).toContain('Rosetta Gateway');

    const requests = ready.requests as string[];
    expect(requests.map((line) => new URL(/http:[^' ]+/.exec(line)![0]).pathname)).toEqual([
      '/task/get',
      '/statistics',
      '/statistics/record',
    ]);
    for (const line of requests) {
      const { stdout } = await shell('sh', ['-c', `${line} --silent --show-error`]);
      expect(JSON.parse(stdout), line).toMatchObject({ code: 2000, success: true });
      expect(JSON.stringify(JSON.parse(stdout)), line).toMatch(
        /"viewUrl"|"instanceInfo"|"task_id"/,
      );
    }
  });

  it('logs each request as a line of JSON that says what it was, and nothing of its body', async () => {
    const marker = 'marker-of-the-body';
    const body = { campaignId: marker, annotationRequestId: marker, sceneId: marker };
    const answer = await send(server, { method: 'POST', path: '/task/get', body });
    expect(answer.envelope.code).toBe(51008);
    await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ query: `query Named { campaign(campaignId: "${marker}") { name } }` }),
    });
    await send(server, { path: '/nowhere', body: marker });
    // The line is written when the answer is out, which its reader may know first.
    await sleep(100);
    const lines = server.logged.filter(({ msg }) => msg === 'request');
    for (const line of lines) {
      expect(line).toMatchObject({
        time: expect.stringMatching(/Z$/) as string,
        requestId: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
        route: expect.any(String) as string,
        status: expect.any(Number) as number,
        durationMs: expect.any(Number) as number,
      });
    }
    expect(lines.find(({ requestId }) => requestId === answer.envelope.requestId)).toMatchObject({
      method: 'POST',
      route: '/task/get',
      status: 200,
      code: 51008,
    });
    expect(lines).toContainEqual(
      expect.objectContaining({ route: '/graphql', operation: 'Named', status: 200 }),
    );
    expect(lines).toContainEqual(expect.objectContaining({ route: 'unknown', status: 404 }));
    expect(server.stdout + server.stderr).not.toContain(marker);
  });
});

describe('a second process on the same directory', () => {
  it.each([[['serve']], [['import', '-']], [['migrate']]])('%j ends and says why', async (args) => {
    const environment = { GATEWAY_DATA_DIR: directory, PORT: '0' };
    const { code, stderr } = await runProgram(args, { environment });
    expect(code).toBe(2);
    expect(stderr).toContain(
      `The embedded database in ${directory} is in use by process ${server.child.pid}: it serves one process at a time.`,
    );
    expect(stderr).toContain('GATEWAY_DATA_DIR');
    expect(stderr).toContain('DATABASE_URL');
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(await statusOf('/readyz')).toBe(200);
  });
});

describe('stopping', () => {
  it('finishes the request under way, takes no other, and exits with 0', async () => {
    const ids = { campaignId: 'none', annotationRequestId: 'none', sceneId: 'none' };
    const { answer, finish } = beginRequest(ids);
    await sleep(200);
    server.child.kill('SIGTERM');
    await server.waitForLog('stopping');
    await sleep(100);
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow('fetch failed');
    finish();
    expect(await answer).toBe(200);
    const finished = performance.now();
    expect(await server.exit).toEqual({ code: 0, signal: null });
    expect(performance.now() - finished).toBeLessThan(3000);
    expect(server.stderr).toBe('');
    expect(await readdir(directory)).toEqual(['postgres']);
  });

  it('waits no longer than it may for a request that does not end', async () => {
    const before = performance.now();
    server = await startHere({ GATEWAY_SHUTDOWN_TIMEOUT: '500' });
    await server.waitForLog('ready');
    // The data is there already.
    expect(performance.now() - before).toBeLessThan(10_000);
    expect(server.logged).not.toContainEqual(expect.objectContaining({ msg: 'demo data loaded' }));
    const { req, answer } = beginRequest({ campaignId: 'none' });
    const failed = expect(answer).rejects.toThrow();
    await once(req, 'socket');
    await sleep(200);
    const started = performance.now();
    expect(await server.kill('SIGINT')).toEqual({ code: 0, signal: null });
    expect(performance.now() - started).toBeLessThan(4000);
    await failed;
  });
});

describe('a process that was killed', () => {
  it('leaves its lock to the next one, and all of its data', async () => {
    server = await startHere();
    await server.waitForLog('ready');
    const before = await counts();
    await server.kill('SIGKILL');
    const lock = await readFile(join(directory, 'gateway.lock'), 'utf8');
    expect(JSON.parse(lock)).toMatchObject({ pid: server.child.pid });
    server = await startHere();
    await server.waitForLog('ready');
    expect(await counts()).toEqual(before);
    expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  });

  it('leaves no part of the demo data behind', async () => {
    const fresh = await temporaryDirectory();
    server = await startHere({ GATEWAY_DATA_DIR: fresh });
    // Usually in the middle of loading; what has to hold holds wherever it is.
    await sleep(3000);
    await server.kill('SIGKILL');
    server = await startHere({ GATEWAY_DATA_DIR: fresh });
    await server.waitForLog('ready');
    expect(await counts()).toMatchObject({ data: { tasks: { totalCount: 2000 } } });
    await server.kill('SIGTERM');
  });
});
