import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ExecutionArgs, ExecutionResult } from 'graphql';
import { CloseCode, handleProtocols, makeServer } from 'graphql-ws';
import type { Logger } from 'pino';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Authenticate } from '../auth/authenticate.ts';
import type { Session } from '../domain/session.ts';
import type { OperationRecord } from '../plugins/operation-record.ts';
import type { Subscribe } from './graphql.ts';
import { identifyConnection, statusOfFault } from './identify.ts';
import { createRequestId } from './request-id.ts';

/** Milliseconds between two pings; a connection that has not answered one by the next is closed. */
const PING_MS = 12_000;

/** WebSocket's word for an end that is nobody's fault: clients come back, and find another copy. */
const GOING_AWAY = 1001;

/** WebSocket's word for a server that cannot do now what it could in a moment: clients come back. */
const TRY_AGAIN_LATER = 1013;

/** Milliseconds a client gets to say goodbye. */
const GOODBYE_MS = 1000;

export interface WebSocketOptions {
  readonly log: Logger;
  readonly maxMessageBytes: number;
  readonly authenticate: Authenticate;
  readonly subscribe: Subscribe;
}

/** Subscriptions over WebSocket, by the protocol of graphql-ws. */
export interface WebSockets {
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Says goodbye to all who are connected. */
  close(): void;
}

/** A subscription, as the log knows it. */
interface Operation {
  readonly requestId: string;
  readonly access: OperationRecord & { viewer?: string | undefined };
  readonly started: number;
}

interface Connection {
  readonly socket: WebSocket;
  /** The request that opened it. */
  readonly req: IncomingMessage;
  /** Who is at its other end, once that is known; and what ends the looking whether he still is. */
  session?: Session;
  unwatch?: () => void;
  /** By the ids that the client gave them. */
  readonly operations: Map<string, Operation>;
}

/** What graphql-ws hands from what prepares an operation to what executes it. */
interface Prepared extends ExecutionArgs {
  rootValue: AsyncIterable<ExecutionResult>;
}

export function createWebSockets(options: WebSocketOptions): WebSockets {
  const { log, subscribe, authenticate } = options;

  const end = ({ operations }: Connection, id: string) => {
    const operation = operations.get(id);
    if (!operation) return;
    operations.delete(id);
    const { requestId, access, started } = operation;
    const durationMs = Math.round((performance.now() - started) * 100) / 100;
    log.info(
      { requestId, route: '/graphql', transport: 'websocket', ...access, durationMs },
      'request',
    );
  };

  /** Finds out who has opened a connection, by its headers or by what browsers can send in place of them. */
  const letIn = async (connection: Connection, params: Record<string, unknown>) => {
    const { socket, req } = connection;
    const requestId = createRequestId();
    const refuse = (code: number, reason: string, refusal?: string) => {
      log.info({ requestId, route: '/graphql', transport: 'websocket', code, refusal }, 'request');
      socket.close(code, reason);
      return false;
    };
    const found = await identifyConnection(authenticate, req, params).catch((error: unknown) =>
      statusOfFault(error, requestId, log),
    );
    if (typeof found === 'number') return refuse(TRY_AGAIN_LATER, 'The gateway cannot answer now');
    if ('refusal' in found) {
      const { status, reason } = found.refusal;
      return status === 403
        ? refuse(CloseCode.Forbidden, 'Forbidden', reason)
        : refuse(CloseCode.Unauthorized, 'Unauthorized', reason);
    }
    if (socket.readyState !== socket.OPEN) return false;
    connection.session = found.session;
    connection.unwatch = found.session.watch(() => {
      // Its subscriptions say so first.
      setTimeout(() => socket.close(CloseCode.Unauthorized, 'Unauthorized'), GOODBYE_MS).unref();
    });
    return true;
  };

  const server = makeServer<Record<string, unknown>, Connection>({
    onConnect: ({ extra, connectionParams = {} }) => letIn(extra, connectionParams),
    async onSubscribe({ extra }, id, params) {
      const { session } = extra;
      const scope = {
        requestId: createRequestId(),
        session,
        access: { viewer: session?.viewer.name } as Operation['access'],
        hangUp: () => extra.socket.terminate(),
      };
      extra.operations.set(id, { ...scope, started: performance.now() });
      const answer = await subscribe(params, scope);
      if ('errors' in answer) return answer.errors;
      const { schema, document, results } = answer;
      return { schema, document, operationName: params.operationName, rootValue: results };
    },
    subscribe: (args) => (args as Prepared).rootValue,
    onError: ({ extra }, id) => end(extra, id),
    onComplete: ({ extra }, id) => end(extra, id),
    onClose({ extra }) {
      extra.unwatch?.();
      for (const id of [...extra.operations.keys()]) end(extra, id);
    },
  });

  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: options.maxMessageBytes,
    handleProtocols,
  });
  const logFailure = (error: unknown) => log.error({ err: error }, 'websocket failed');

  sockets.on('connection', (socket, req) => {
    let isAlive = true;
    const pings = setInterval(() => {
      if (!isAlive) return socket.terminate();
      isAlive = false;
      socket.ping();
    }, PING_MS);
    socket.on('pong', () => (isAlive = true));
    // Who breaks the protocol, or the connection, has ended it.
    socket.on('error', ({ message }) => log.info({ reason: message }, 'websocket broken'));
    const closed = server.opened(
      {
        protocol: socket.protocol,
        // Done when the system has taken it, so that events are made no faster than they are read.
        send: (data) =>
          new Promise((resolve) => {
            if (socket.readyState === socket.OPEN) socket.send(data, () => resolve());
            else resolve();
          }),
        close: (code, reason) => socket.close(code, reason),
        onMessage: (handle) =>
          socket.on('message', (data) => {
            handle((data as Buffer).toString()).catch((error: unknown) => {
              logFailure(error);
              socket.close(CloseCode.InternalServerError, 'Internal server error');
            });
          }),
      },
      { socket, req, operations: new Map() },
    );
    socket.once('close', (code, reason) => {
      clearInterval(pings);
      closed(code, reason.toString()).catch(logFailure);
    });
  });

  return {
    upgrade: (req, socket, head) =>
      sockets.handleUpgrade(req, socket, head, (opened) => sockets.emit('connection', opened, req)),
    close() {
      for (const socket of sockets.clients) {
        socket.close(GOING_AWAY, 'The gateway is stopping');
        setTimeout(() => socket.terminate(), GOODBYE_MS).unref();
      }
    },
  };
}
