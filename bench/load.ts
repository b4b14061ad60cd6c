/**
 * Load on one server for a while, and what it came to.
 */
import autocannon from 'autocannon';
import { readdirSync } from 'node:fs';
import type { Population } from './data.ts';
import { addressed, cpuSeconds, megabytes, parentOf, type TestedServer } from './servers.ts';
import type { Form, Shape } from './shapes.ts';

export const CONNECTIONS = 16;

/** Different requests that each connection sends in turn. */
const REQUESTS = 250;

/** What a slice of time came to. */
export interface Slice {
  /** Answers a second. */
  readonly rate: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Milliseconds of processor time an answer, of the server and of PostgreSQL. */
  readonly serverCpu: number;
  readonly databaseCpu: number;
  /** Megabytes that the server holds at the end. */
  readonly memory: number;
}

/** Seconds of processor time of a PostgreSQL server and all its processes. @param postmaster the first of them. */
function databaseSeconds(postmaster: number): number {
  let seconds = cpuSeconds(postmaster);
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    try {
      if (parentOf(pid) === postmaster) seconds += cpuSeconds(pid);
    } catch {
      // It has ended since the directory was read.
    }
  }
  return seconds;
}

/** Random numbers of which the same seed gives the same (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Load {
  readonly shape: Shape;
  readonly population: Population;
  readonly server: TestedServer;
  /** What of the shape is asked of this server. */
  readonly form: Form;
  readonly seconds: number;
  /** Of PostgreSQL. */
  readonly postmaster: number;
  readonly seed: number;
}

export async function measure(load: Load): Promise<Slice> {
  const { shape, population, server, form, seconds, postmaster, seed } = load;
  const random = createRandom(seed);
  const requests = Array.from({ length: REQUESTS * CONNECTIONS }, () =>
    addressed(server, form.request(shape.draw(population, random))),
  );
  const before = [cpuSeconds(server.pid), databaseSeconds(postmaster)] as const;
  let next = 0;
  const result = await autocannon({
    url: server.url,
    connections: CONNECTIONS,
    duration: seconds,
    requests: [requests[0]!],
    // Each connection has requests of its own.
    setupClient: (client) => {
      client.setRequests(requests.slice(next, (next += REQUESTS)));
    },
  });
  const answers = result.requests.total;
  if (result.errors + result.timeouts + result.non2xx > 0 || answers === 0) {
    throw new Error(
      `${server.name}, ${shape.name}: ${answers} answers, ${result.errors} errors, ${result.non2xx} of another status.`,
    );
  }
  const cpu = [
    cpuSeconds(server.pid) - before[0],
    databaseSeconds(postmaster) - before[1],
  ] as const;
  return {
    rate: answers / result.duration,
    p50: result.latency.p50,
    p99: result.latency.p99,
    serverCpu: (1000 * cpu[0]) / answers,
    databaseCpu: (1000 * cpu[1]) / answers,
    memory: megabytes(server.pid),
  };
}
