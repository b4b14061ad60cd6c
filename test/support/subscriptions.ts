import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWebSocketClient } from 'graphql-ws';
import type { ExecutionResult } from 'graphql';
import { WebSocket } from 'ws';
import { eventually, PATIENCE_MS } from './process.ts';

export interface Subscription<Data> {
  /** The data of the events so far. */
  readonly events: Data[];
  /** The errors of the events so far. */
  readonly errors: { message: string; extensions?: { code?: string } }[];
  /** Fulfilled when nothing follows; with what the client says of it, if it failed. */
  readonly ended: Promise<unknown>;
  /** Waits for as many events. */
  receive(count: number, timeoutMs?: number): Promise<Data[]>;
  stop(): Promise<void>;
}

interface Client {
  subscribe(
    request: { query: string; variables?: Record<string, unknown> },
    sink: {
      next(result: ExecutionResult): void;
      error(error: unknown): void;
      complete(): void;
    },
  ): () => void;
  dispose(): void | Promise<void>;
}

export type Transport = 'sse' | 'websocket';

/** The clients of both protocols, as their makers give them. */
const TRANSPORTS: Readonly<
  Record<Transport, (url: string, headers: Record<string, string>) => Client>
> = {
  sse: (url, headers) => createSseClient({ url: `${url}/graphql`, retryAttempts: 0, headers }),
  websocket: (url, connectionParams) =>
    createWebSocketClient({
      url: `${url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      connectionParams,
    }),
};

/** @param headers what says who subscribes; over WebSocket it goes where browsers can send it. */
export function subscribe<Data>(
  transport: Transport,
  url: string,
  subscription: string,
  variables: Record<string, unknown> = {},
  query = `subscription ${subscription}`,
  headers: Record<string, string> = {},
): Subscription<Data> {
  const client = TRANSPORTS[transport](url, headers);
  const events: Data[] = [];
  const errors: Subscription<Data>['errors'] = [];
  let stop = () => {};
  const ended = new Promise<unknown>((resolve) => {
    stop = client.subscribe(
      { query, variables },
      {
        next({ data, errors: more }) {
          if (data) events.push(data as Data);
          if (more) errors.push(...(more as unknown as Subscription<Data>['errors']));
        },
        error(error) {
          if (Array.isArray(error)) errors.push(...(error as Subscription<Data>['errors']));
          resolve(error);
        },
        complete: () => resolve(undefined),
      },
    );
  });
  return {
    events,
    errors,
    ended,
    receive: (count, timeoutMs = PATIENCE_MS) =>
      eventually(
        () => {
          if (events.length < count) {
            throw new Error(`${events.length} of ${count} events\n${JSON.stringify(errors)}`);
          }
          return events;
        },
        { timeoutMs, everyMs: 10 },
      ),
    async stop() {
      stop();
      await client.dispose();
    },
  };
}
