import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inject as injectRequest, type InjectOptions, type Response } from 'light-my-request';
import pino, { type Logger } from 'pino';
import { expect } from 'vitest';
import { databaseOptions } from '../../src/app/database-options.ts';
import { createGateway, type GatewayOptions } from '../../src/app/gateway.ts';
import { traceIdOfRequest } from '../../src/app/log.ts';
import { createHttpServer } from '../../src/app/server.ts';
import { readConfig, type Config } from '../../src/config/config.ts';
import type { LeasePoints } from '../../src/domain/budget/leases.ts';
import type { Viewer } from '../../src/domain/viewer.ts';
import { createMetrics, type Metrics } from '../../src/metrics/metrics.ts';
import type { Tracing } from '../../src/tracing/tracing.ts';
import { ANY_SPEED } from './process.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

export interface GraphQLAnswer<Data> {
  data?: Data | null;
  errors?: { message: string; path?: (string | number)[]; extensions?: { code?: string } }[];
}

/** The gateway on a database of this test file's own, asked through its HTTP handler without a port. */
export interface TestGateway {
  readonly database: TestDatabase;
  readonly config: Config;
  readonly metrics: Metrics;
  readonly tracing: Tracing | undefined;
  /** The lines logged so far, parsed. */
  readonly logged: Record<string, unknown>[];
  /** The SQL statements sent so far. */
  readonly statements: string[];
  inject(request: InjectOptions): Promise<Response>;
  /** The data of an operation that must succeed. */
  gql<Data = Record<string, never>>(query: string, variables?: object): Promise<Data>;
  /** The errors of an operation that must fail. */
  gqlErrors(
    query: string,
    variables?: object,
  ): Promise<NonNullable<GraphQLAnswer<unknown>['errors']>>;
  /** What an operation answers that may fail in parts. */
  gqlAnswer<Data>(query: string, variables?: object): Promise<GraphQLAnswer<Data>>;
  /** An answer of a REST route, its JSON parsed; ids above 2^53 are rounded here, see `payload` for their digits. */
  rest(request: InjectOptions): Promise<Response & { envelope: Envelope }>;
  /** Listens on a free loopback port, for what only a socket can show. */
  listen(): Promise<{ server: Server; port: number; url: string }>;
  /** How many subscriptions are told of what changes. */
  subscriptions(): number;
  /** Ends the subscriptions, as a signal to stop does. */
  stop(): void;
  close(): Promise<void>;
}

export interface Envelope {
  code: number;
  message: string;
  data: unknown;
  date: string;
  requestId: string;
  success: boolean;
}

export interface TestGatewayOptions {
  environment?: Record<string, string>;
  database?: TestDatabase;
  times?: Pick<GatewayOptions, 'bodyTimeoutMs' | 'stallTimeoutMs' | 'keyTimes' | 'stallMs'>;
  lease?: LeasePoints;
  stopping?: AbortSignal;
  anybody?: Viewer;
}

/** The environment of a gateway that takes the very large operations of tests that ask for everything there is. */
export const VAST_LIMITS = {
  GATEWAY_MAX_CHARACTERS: '1000000',
  GATEWAY_MAX_TOKENS: '1000000',
  GATEWAY_MAX_FIELDS: '1000000',
  GATEWAY_MAX_ALIASES: '1000000',
};

/** Tests ask for measures of a hundred rows with all that is behind them, which callers may not unless told. */
const ANY_COST = { GATEWAY_MAX_COST: '1000000000000', GATEWAY_BUDGET: '0' };

export async function createTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const config = readConfig({ ...ANY_COST, ...ANY_SPEED, ...options.environment });
  const logged: Record<string, unknown>[] = [];
  const log: Logger = pino(
    { level: 'trace', base: undefined, mixin: traceIdOfRequest },
    { write: (line: string) => logged.push(JSON.parse(line) as Record<string, unknown>) },
  );
  const { times, stopping, lease, anybody } = options;
  const metrics = createMetrics('0.0.0');
  const tracing =
    config.tracing &&
    (await (
      await import('../../src/tracing/tracing.ts')
    ).createTracing(config.tracing, '0.0.0', log));
  const statements: string[] = [];
  const database =
    options.database ??
    (await createTestDatabase({
      ...databaseOptions(config, log, metrics),
      onStatement: (sql) => statements.push(sql),
    }));
  const gateway = createGateway({
    ...times,
    ...(stopping && { stopping }),
    ...(lease && { lease }),
    anybody,
    config,
    log,
    metrics,
    tracing,
    database: () => database,
  });
  const servers: Server[] = [];

  const inject = (request: InjectOptions) => injectRequest(gateway.handle, request);

  const ask = async (query: string, variables: object = {}) => {
    const response = await inject({
      method: 'POST',
      url: '/graphql',
      headers: { 'content-type': 'application/json' },
      payload: JSON.stringify({ query, variables }),
    });
    return { response, answer: JSON.parse(response.payload) as GraphQLAnswer<unknown> };
  };

  return {
    database,
    config,
    metrics,
    tracing,
    logged,
    statements,
    inject,
    async gql<Data>(query: string, variables?: object) {
      const { answer } = await ask(query, variables);
      expect(answer.errors, `${query}\n${JSON.stringify(answer, null, 2)}`).toBeUndefined();
      return answer.data as Data;
    },
    async gqlErrors(query, variables) {
      const { answer } = await ask(query, variables);
      expect(answer.errors, `${query}\n${JSON.stringify(answer, null, 2)}`).toBeDefined();
      return answer.errors!;
    },
    async gqlAnswer<Data>(query: string, variables?: object) {
      return (await ask(query, variables)).answer as GraphQLAnswer<Data>;
    },
    async rest(request) {
      const response = await inject(request);
      return Object.assign(response, { envelope: JSON.parse(response.payload) as Envelope });
    },
    async listen() {
      const server = createHttpServer(config, gateway, log, metrics);
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      return { server, port, url: `http://127.0.0.1:${port}` };
    },
    subscriptions: gateway.subscriptions,
    stop: gateway.stop,
    async close() {
      gateway.stop();
      await tracing?.stop();
      for (const server of servers) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
      if (!options.database) await database.close();
    },
  };
}
