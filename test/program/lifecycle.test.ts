import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cpuSecondsOf } from '../support/cpu.ts';
import { removeDirectories, temporaryDirectory } from '../support/directory.ts';
import {
  endPrograms,
  eventually,
  PATIENCE_MS,
  runProgram,
  startServer,
  type Server,
} from '../support/process.ts';
import { send } from '../support/rest-client.ts';

const shell = promisify(execFile);

/** Seconds of the processor that the very first start takes at most; usually a third of it. */
const FIRST_START_S = 30;

let directory: string;
let server: Server;
let firstStartS: number;

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

/** A POST whose body is on its way, once the gateway has met it: the answer comes when `finish` has sent the rest. */
async function beginRequest(body: object) {
  const bytes = JSON.stringify(body);
  const req = request(`${server.url}/task/get`, {
    method: 'POST',
    agent: false,
    headers: { 'Content-Length': bytes.length, Expect: '100-continue' },
  });
  req.flushHeaders();
  await once(req, 'continue');
  req.write(bytes.slice(0, 5));
  return {
    finish: () => req.end(bytes.slice(5)),
    answer: new Promise<number>((resolve, reject) => {
      req.on('response', (res) => resolve(res.resume().statusCode!));
      req.on('error', reject);
    }),
  };
}

beforeAll(async () => {
  directory = await temporaryDirectory();
  server = await startHere({ GATEWAY_SHUTDOWN_TIMEOUT: String(PATIENCE_MS) });
  await server.waitForLog('ready');
  firstStartS = await cpuSecondsOf(server.child.pid!);
});
afterAll(async () => {
  await endPrograms();
  await removeDirectories();
});

describe('the first start', () => {
  it('is ready with demo data in time', async () => {
    expect(firstStartS).toBeLessThan(FIRST_START_S);
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
    // A line is written when the answer is out, which its reader may know first.
    const lines = await eventually(() => {
      const all = server.logged.filter(({ msg }) => msg === 'request');
      expect(all.map(({ route }) => route)).toContain('unknown');
      expect(all.map(({ operation }) => operation)).toContain('Named');
      expect(all.map(({ requestId }) => requestId)).toContain(answer.envelope.requestId);
      return all;
    });
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
    const { answer, finish } = await beginRequest(ids);
    server.child.kill('SIGTERM');
    await server.waitForLog('stopping');
    await eventually(() => expect(fetch(`${server.url}/healthz`)).rejects.toThrow('fetch failed'));
    finish();
    expect(await answer).toBe(200);
    const finished = performance.now();
    expect(await server.exit).toEqual({ code: 0, signal: null });
    expect(performance.now() - finished).toBeLessThan(PATIENCE_MS / 2);
    expect(server.stderr).toBe('');
    expect(await readdir(directory)).toEqual(['postgres']);
  });

  it('waits no longer than it may for a request that does not end', async () => {
    server = await startHere({ GATEWAY_SHUTDOWN_TIMEOUT: '500' });
    await server.waitForLog('ready');
    // The data is there already.
    expect(server.logged).not.toContainEqual(expect.objectContaining({ msg: 'demo data loaded' }));
    const { answer } = await beginRequest({ campaignId: 'none' });
    const failed = expect(answer).rejects.toThrow();
    expect(await server.kill('SIGINT')).toEqual({ code: 0, signal: null });
    await failed;
  });
});

describe('a log that nobody reads any more', () => {
  it('keeps the gateway neither from answering nor from stopping', async () => {
    server = await startHere();
    await server.waitForLog('ready');
    server.child.stdout!.destroy();
    for (let n = 0; n < 3; n++) expect(await statusOf('/task/get')).toBe(405);
    expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
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
