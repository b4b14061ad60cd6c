// What the benchmark uses of packages that only it has: the checks of the repository run without them.

declare module 'autocannon' {
  export interface Request {
    method: string;
    path: string;
    headers?: Record<string, string>;
    body?: string;
  }
  export interface Result {
    requests: { average: number; total: number };
    latency: { p50: number; p99: number };
    duration: number;
    errors: number;
    timeouts: number;
    non2xx: number;
  }
  export default function autocannon(options: {
    url: string;
    connections: number;
    duration: number;
    requests: Request[];
    setupClient: (client: { setRequests(requests: Request[]): void }) => void;
  }): Promise<Result>;
}

declare module 'pg-copy-streams' {
  import type { Readable, Writable } from 'node:stream';
  import type { Submittable } from 'pg';
  export function from(sql: string): Writable & Submittable;
  export function to(sql: string): Readable & Submittable;
}

declare module 'postgraphile' {
  export function postgraphile(preset: object): {
    createServ(serv: unknown): { addTo(server: unknown): Promise<void> };
  };
}

declare module 'postgraphile/presets/amber' {
  export const PostGraphileAmberPreset: object;
}

declare module 'postgraphile/adaptors/pg' {
  export function makePgService(options: object): object;
}

declare module 'postgraphile/grafserv/node' {
  export const grafserv: unknown;
}
