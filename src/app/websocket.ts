import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ExecutionArgs, ExecutionResult } from 'graphql';
import { CloseCode, handleProtocols, makeServer } from 'graphql-ws';
import type { Logger } from 'pino';
import { WebSocketServer, type WebSocket } from 'ws';
import type { OperationRecord } from '../plugins/operation-record.ts';
import type { Subscribe } from './graphql.ts';
import { createRequestId } from './request-id.ts';

/** Milliseconds between two pings; a connection that has not answered one by the next is closed. */
const PING_MS = 12_000;

/** WebSocket's word for an end that is nobody's fault: clients come back, and find another copy. */
const GOING_AWAY = 1001;

/** Milliseconds a client gets to say goodbye. */
const GOODBYE_MS = 1000;

export interface WebSocketOptions {
  readonly log: Logger;
  readonly maxMessageBytes: number;
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
  readonly access: OperationRecord;
  readonly started: number;
}

interface Connection {
  readonly socket: WebSocket;
  /** By the ids that the client gave them. */
  readonly operations: Map<string, Operation>;
}

/** What graphql-ws hands from what prepares an operation to what executes it. */
interface Prepared extends ExecutionArgs {
  rootValue: AsyncIterable<ExecutionResult>;
}

export function createWebSockets(options: WebSocketOptions): WebSockets {
  const { log, subscribe } = options;

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

  const server = makeServer<Record<string, unknown>, Connection>({
    async onSubscribe({ extra }, id, params) {
      const scope = {
        requestId: createRequestId(),
        access: {},
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
      for (const id of [...extra.operations.keys()]) end(extra, id);
    },
  });

  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: options.maxMessageBytes,
    handleProtocols,
  });
  const logFailure = (error: unknown) => log.error({ err: error }, 'websocket failed');

  sockets.on('connection', (socket) => {
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
      { socket, operations: new Map() },
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
