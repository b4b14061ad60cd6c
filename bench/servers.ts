/**
 * The servers under test, a process each, and what they have used of the machine.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { HttpRequest } from './shapes.ts';

export interface TestedServer {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  /** The headers of every request. */
  readonly headers: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

interface Start {
  readonly name: string;
  readonly node: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

const START_MS = 60_000;

/** Starts a program and waits until it has said, as JSON on a line, on which port it listens. */
async function start({ name, node, args, env, headers = {} }: Start): Promise<TestedServer> {
  const child: ChildProcess = spawn(node, args, {
    env: { PATH: process.env.PATH, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await new Promise<number>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${name} has not started.`)), START_MS);
    child.once('exit', (status) => reject(new Error(`${name} ended with ${status}.`)));
    let listening: number | undefined;
    createInterface(child.stdout!).on('line', (text) => {
      const line = JSON.parse(text) as { port?: number; msg?: string };
      listening ??= line.port;
      // The gateway listens before its database is ready.
      if (listening === undefined || !(line.msg === undefined || line.msg.startsWith('ready')))
        return;
      clearTimeout(late);
      resolve(listening);
    });
  });
  return {
    name,
    url: `http://127.0.0.1:${port}`,
    pid: child.pid!,
    headers,
    async stop() {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    },
  };
}

/** More points a minute than any load comes to: the budget is kept, and never used up. */
const BUDGET = '999999999';

/** Makes an API key that reads everything, of a database that is there for the benchmark only. */
function createKey(databaseUrl: string): string {
  const told = execFileSync(
    process.execPath,
    [
      ...['dist/main.js', 'keys', 'create', '--kind', 'api', '--role', 'reader'],
      ...['--all-campaigns', '--budget', BUDGET],
    ],
    { env: { ...process.env, DATABASE_URL: databaseUrl }, stdio: ['ignore', 'pipe', 'ignore'] },
  ).toString();
  return /^API key: (\S+)$/m.exec(told)![1]!;
}

/** The gateway as it runs in production: asking everybody who he is, all its limits on, a line of log for every request. */
export function startGateway(
  name: string,
  databaseUrl: string,
  node = process.execPath,
): Promise<TestedServer> {
  return start({
    name,
    node,
    args: ['dist/main.js', 'serve'],
    env: {
      DATABASE_URL: databaseUrl,
      PORT: '0',
      GATEWAY_AUTH: 'on',
      GATEWAY_DEMO: 'off',
      GATEWAY_LOG_FORMAT: 'json',
    },
    headers: { 'x-api-key': createKey(databaseUrl) },
  });
}

export function startPostGraphile(databaseUrl: string): Promise<TestedServer> {
  return start({
    name: 'postgraphile',
    node: process.execPath,
    args: ['bench/postgraphile.ts'],
    env: { DATABASE_URL: databaseUrl, GRAPHILE_ENV: 'production' },
  });
}

export function startFloor(databaseUrl: string): Promise<TestedServer> {
  return start({
    name: 'floor',
    node: process.execPath,
    args: ['bench/floor.ts'],
    env: { DATABASE_URL: databaseUrl },
  });
}

/** A request as a server is to be sent it. */
export function addressed(server: TestedServer, { body, ...request }: HttpRequest) {
  const headers: Record<string, string> = { ...server.headers };
  if (body === undefined) return { ...request, headers };
  return { ...request, body, headers: { ...headers, 'content-type': 'application/json' } };
}

export async function ask(server: TestedServer, request: HttpRequest): Promise<unknown> {
  const { path, ...init } = addressed(server, request);
  const response = await fetch(`${server.url}${path}`, init);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${server.name}: ${response.status} ${text}`);
  return JSON.parse(text, exactNumbers);
}

/** Ids are numbers over REST, above 2^53 too: what was written counts. */
function exactNumbers(this: unknown, _: string, value: unknown, context?: { source?: string }) {
  return typeof value === 'number' && !Number.isSafeInteger(value) && Number.isInteger(value)
    ? context!.source
    : value;
}

const TICKS = 100;

const statOf = (pid: number) =>
  readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');

/** Seconds of processor time that a process has used, and those of its children that have ended. */
export function cpuSeconds(pid: number): number {
  const fields = statOf(pid);
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS;
}

/** Megabytes that a process holds. */
export function megabytes(pid: number): number {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!;
  return Number(kilobytes) / 1024;
}

/** The process that started another. */
export function parentOf(pid: number): number {
  return Number(statOf(pid)[1]);
}
