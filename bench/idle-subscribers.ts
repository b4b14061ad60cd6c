/**
 * What idle subscribers cost one gateway, and how long a change takes to reach all of them.
 *
 *   DATABASE_URL=postgresql://... npx tsx bench/idle-subscribers.ts [subscribers]
 *
 * The database must be one to write to: it is migrated, and gets a campaign, a request, a pool and tasks of its own.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent, request, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';

const SUBSCRIBERS = Number(process.argv[2] ?? 5000);
const IDLE_SECONDS = 30;

const gateway = spawn(process.execPath, ['dist/main.js', 'serve'], {
  env: { ...process.env, PORT: '0', GATEWAY_INGEST: 'on', GATEWAY_LOG_FORMAT: 'json' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const port = await new Promise<number>((resolve) => {
  let listening = 0;
  createInterface(gateway.stdout).on('line', (text) => {
    const line = JSON.parse(text) as { msg: string; port?: number };
    listening ||= line.port ?? 0;
    if (line.msg.startsWith('ready')) resolve(listening);
  });
});

const memory = () => {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))!;
  return Number(kilobytes) / 1024;
};
/** Seconds of processor time used so far. */
const cpu = () => {
  const fields = readFileSync(`/proc/${gateway.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
};

let events = 0;
const agent = new Agent({ maxSockets: Infinity });
const own = String(process.pid);

function queryOf(n: number, isDistinct: boolean): string {
  const filter = isDistinct ? `sceneId: { in: ["all-${own}", "s-${n}"] }` : '';
  return `subscription { taskChanged(filter: { campaign: { campaignId: { eq: "bench-${own}" } } ${filter} }) { taskId task { statusCode } } }`;
}

async function overEvents(query: string): Promise<() => void> {
  const req = request({
    port,
    host: '127.0.0.1',
    path: '/graphql',
    method: 'POST',
    agent,
    headers: { Accept: 'text/event-stream', 'Content-Type': 'application/json' },
  });
  req.end(JSON.stringify({ query }));
  const res = await new Promise<IncomingMessage>((resolve, reject) => {
    req.once('response', resolve).once('error', reject);
  });
  res
    .setEncoding('utf8')
    .on('data', (text: string) => (events += text.split('data: {').length - 1));
  res.on('error', () => {});
  return () => req.destroy();
}

async function overWebSocket(query: string): Promise<() => void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/graphql`, 'graphql-transport-ws');
  await new Promise((resolve) => socket.once('open', resolve));
  socket.send('{"type":"connection_init"}');
  await new Promise((resolve) => socket.once('message', resolve));
  socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query } }));
  socket.on('message', (data) => (events += (data as Buffer).includes('"next"') ? 1 : 0));
  return () => socket.terminate();
}

async function put(lines: object[]): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/import`, {
    method: 'POST',
    body: lines.map((line) => JSON.stringify(line)).join('\n'),
  });
  const { data } = (await response.json()) as { data: { rejected: number } };
  if (data.rejected > 0) throw new Error(JSON.stringify(data));
}

let status = 0;
const change = () =>
  put([
    {
      type: 'task',
      id: `9${own}`,
      annotationRequestId: `bench-${own}`,
      sceneId: `all-${own}`,
      status: status++ % 5,
      poolId: `9${own}`,
      instanceInfo: {},
      instanceNum: 0,
      attributeNum: 0,
      frameNum: 1,
    },
  ]);

async function measure(
  name: string,
  open: (query: string) => Promise<() => void>,
  isDistinct: boolean,
): Promise<void> {
  global.gc?.();
  const before = memory();
  const close: (() => void)[] = [];
  for (let n = 0; n < SUBSCRIBERS; n += 50) {
    const batch = Array.from({ length: 50 }, (_, k) => open(queryOf(n + k, isDistinct)));
    close.push(...(await Promise.all(batch)));
  }
  await sleep(3000);
  const held = memory();
  const started = cpu();
  await sleep(IDLE_SECONDS * 1000);
  const idle = ((cpu() - started) / IDLE_SECONDS) * 100;
  const times: number[] = [];
  for (let round = 0; round < 5; round++) {
    const expected = events + SUBSCRIBERS;
    const from = performance.now();
    await change();
    while (events < expected) await sleep(1);
    times.push(performance.now() - from);
    await sleep(500);
  }
  times.sort((a, b) => a - b);
  process.stdout.write(
    `${name}: ${SUBSCRIBERS} subscribers, ${before.toFixed(0)} → ${held.toFixed(0)} MB (${(((held - before) * 1024) / SUBSCRIBERS).toFixed(1)} kB each), ` +
      `${idle.toFixed(1)} % of a core while idle, a change reached all in ${times[2]!.toFixed(0)} ms (median of 5)\n`,
  );
  for (const one of close) one();
  await sleep(2000);
}

await put([
  {
    type: 'campaign',
    id: `bench-${own}`,
    projectId: `9${own}`,
    name: `bench ${own}`,
    campaignType: 'POC',
  },
  {
    type: 'annotationRequest',
    id: `bench-${own}`,
    name: `bench ${own}`,
    campaignId: `bench-${own}`,
  },
  { type: 'pool', id: `9${own}`, name: 'bench', poolType: 1, campaignId: `bench-${own}` },
]);
await change();
await measure('server-sent events, one filter', overEvents, false);
await measure('WebSocket, one filter', overWebSocket, false);
await measure('server-sent events, a filter each', overEvents, true);
gateway.kill('SIGTERM');
