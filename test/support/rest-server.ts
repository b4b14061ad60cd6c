import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomBytes } from 'node:crypto';
import type { ErrorCode } from '../../src/domain/errors.ts';
import type { Account } from '../../src/domain/budget/account.ts';
import { endlessSession } from '../../src/domain/session.ts';
import {
  answerClientError,
  createRest,
  verdictOfStatus,
  type RestOptions,
  type RestOutcome,
} from '../../src/rest/rest.ts';

export interface Execution {
  operationName: string;
  variables: Record<string, unknown>;
}

/** The REST layer on a server of its own, in front of an executor that answers what the test tells it to. */
export interface RestServer {
  port: number;
  /** What was executed, in order. */
  executions: Execution[];
  outcomes: RestOutcome[];
  /** Errors with which the handler rejected; there should be none. */
  failures: unknown[];
  /** What the executor answers next, and from then on. */
  answer: { data: Record<string, unknown> } | { errorCode: ErrorCode } | undefined;
  close(): Promise<void>;
}

const EMPTY: Record<string, Record<string, unknown>> = {
  RestTask: { taskByScene: '{"viewUrl":"https://rosetta.example.com/","status":1}' },
  RestStatistics: { unknownAnnotationRequestIds: '[]', count: '0', data: '[]' },
  RestStatisticsRecord: { data: '[]' },
  RestChanges: { changes: { watermark: 'w', hasMore: false, entries: [] } },
};

/** Of who has no budget. */
const FREE: Account = { spend: () => Promise.resolve(undefined), charge: () => {} };

export async function startRestServer(options: Partial<RestOptions> = {}): Promise<RestServer> {
  const server: RestServer = {
    port: 0,
    executions: [],
    outcomes: [],
    failures: [],
    answer: undefined,
    close: async () => {
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };
  const rest = createRest({
    timeZone: 'UTC',
    stopping: new AbortController().signal,
    maxBodyBytes: 1_048_576,
    execute: ({ operationName }, variables) => {
      server.executions.push({ operationName, variables });
      return Promise.resolve(server.answer ?? { data: EMPTY[operationName] ?? {} });
    },
    exportRows: () => Promise.resolve({ verdict: verdictOfStatus(503) }),
    ...options,
  });
  const http = createServer({ maxHeaderSize: 131_072 }, (req, res) => {
    const requestId = randomBytes(16).toString('hex');
    res.setHeader('X-Request-Id', requestId);
    rest(req, res, { requestId, session: endlessSession(), account: FREE }).then(
      (outcome) => server.outcomes.push(outcome),
      (error: unknown) => {
        server.failures.push(error);
        res.destroy();
      },
    );
  });
  http.on('clientError', (error, socket) => {
    const stamp = { requestId: randomBytes(16).toString('hex'), timeZone: 'UTC' };
    answerClientError(error, socket, stamp);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  server.port = (http.address() as AddressInfo).port;
  return server;
}
