import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { GraphQLError, type ExecutionArgs, type ExecutionResult } from 'graphql';
import { CloseCode, handleProtocols, makeServer } from 'graphql-ws';
import type { Logger } from 'pino';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Authenticate } from '../auth/authenticate.ts';
import { iterateOnBehalfOf, onBehalfOf, type CurrentRequest } from '../database/request.ts';
import type { Session } from '../domain/session.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { noteErrors, type OperationRecord } from '../plugins/operation-record.ts';
import type { Tracing } from '../tracing/tracing.ts';
import type { OpenAccount } from './budget.ts';
import type { Subscribe } from './graphql.ts';
import { GRAPHQL_PATH } from './paths.ts';
import { createRequestId } from './request-id.ts';
import { admitConnection } from './websocket-door.ts';

/** Milliseconds between two pings. */
const PING_MS = 12_000;

/**
 * Milliseconds of silence after which a connection is taken for lost. A client that is behind with reading answers a ping
 * when it gets there; one that reads nothing at all is to hear first why its subscription ends.
 */
const SILENCE_MS = 60_000;

/** How much may wait to be sent to a client before nothing more is taken from it. */
const MAX_UNSENT_BYTES = 1024 * 1024;

/** How many subscriptions a connection may have at a time. */
const MAX_OPERATIONS = 1000;

/** WebSocket's word for an end that is nobody's fault: clients come back, and find another copy. */
const GOING_AWAY = 1001;

/** WebSocket's word for a kind of message that is not taken. */
const UNSUPPORTED_DATA = 1003;

/** Milliseconds a client gets to say goodbye. */
const GOODBYE_MS = 1000;

export interface WebSocketOptions {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tracing: Tracing | undefined;
  readonly maxMessageBytes: number;
  readonly authenticate: Authenticate;
  readonly openAccount: OpenAccount;
  readonly subscribe: Subscribe;
}

/** Subscriptions over WebSocket, by the protocol of graphql-ws. */
export interface WebSockets {
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** How many are open, and how many subscriptions there are on them. */
  readonly connections: () => number;
  readonly subscriptions: () => number;
  /** Says goodbye to all who are connected. */
  close(): void;
}

/** A subscription, as the log knows it. */
interface Operation extends CurrentRequest {
  readonly about: OperationRecord & { viewer?: string | undefined };
  readonly started: number;
}

interface Connection {
  readonly socket: WebSocket;
  /** The request that opened it. */
  readonly req: IncomingMessage;
  /** Who is at its other end, once that is known; and what ends the looking whether he still is. */
  session?: Session;
  unwatch?: () => void;
  /** By the ids that the client gave them, until they are over. */
  readonly operations: Map<string, Operation>;
}

/** What graphql-ws hands from what prepares an operation to what executes it. */
interface Prepared extends ExecutionArgs {
  rootValue: AsyncIterable<ExecutionResult>;
}

function tooManyOperations(): GraphQLError {
  return new GraphQLError(
    `A connection may have ${MAX_OPERATIONS} subscriptions at a time: open another one.`,
    { extensions: { code: 'BAD_USER_INPUT' } },
  );
}

/** Whether a client has sent what only servers send; graphql-ws has no other way to say so. */
const isOutOfPlace = (error: unknown) =>
  error instanceof Error && error.message.startsWith('Unexpected message of type ');

export function createWebSockets(options: WebSocketOptions): WebSockets {
  const { log, metrics, tracing, subscribe, openAccount, authenticate } = options;
  let subscriptions = 0;

  const end = ({ operations }: Connection, id: string) => {
    const operation = operations.get(id);
    if (!operation) return;
    operations.delete(id);
    subscriptions--;
    const { requestId, started } = operation;
    const durationMs = performance.now() - started;
    const about = { route: GRAPHQL_PATH, ...operation.about };
    metrics.webSocketOperationEnded(about, durationMs / 1000);
    const line = {
      requestId,
      transport: 'websocket',
      ...about,
      durationMs: Math.round(durationMs * 100) / 100,
    };
    onBehalfOf(operation, () => log.info(line, 'request'));
  };

  /** Lets a client in who has said who he is, by headers or by what browsers can send in place of them. */
  const letIn = async (connection: Connection, params: Record<string, unknown>) => {
    const { socket, req } = connection;
    const found = await admitConnection(authenticate, log, metrics.refused, req, params);
    if ('code' in found) socket.close(found.code, found.reason);
    if ('code' in found || socket.readyState !== socket.OPEN) return false;
    connection.session = found;
    connection.unwatch = found.watch(() => {
      // Its subscriptions say so first.
      setTimeout(() => socket.close(CloseCode.Unauthorized, 'Unauthorized'), GOODBYE_MS).unref();
    });
    return true;
  };

  const server = makeServer<Record<string, unknown>, Connection>({
    onConnect: ({ extra, connectionParams = {} }) => letIn(extra, connectionParams),
    async onSubscribe({ extra }, id, params) {
      const { operations, socket, session } = extra;
      if (operations.has(id)) {
        // It was ended a moment ago and is not over: graphql-ws would take the end of the one for that of the other.
        socket.close(CloseCode.SubscriberAlreadyExists, `Subscriber for ${id} already exists`);
        return [new GraphQLError('There is a subscription of that id.')];
      }
      const requestId = createRequestId();
      const access: Operation['about'] = { viewer: session?.viewer.name };
      const trace = tracing?.beginOverWebSocket({ requestId, about: access });
      const request = { requestId, about: access, trace };
      subscriptions++;
      operations.set(id, { ...request, started: performance.now() });
      if (operations.size > MAX_OPERATIONS) {
        const errors = [tooManyOperations()];
        noteErrors(access, errors);
        trace?.end({ ...access, status: 200 });
        return errors;
      }
      const hangUp = () => socket.terminate();
      const account = session && openAccount(session, access);
      const scope = { requestId, session, account, access, hangUp };
      const answer = await onBehalfOf(request, () => subscribe(params, scope));
      // Where it stands, that has ended already.
      trace?.end({ ...access, status: 200 });
      if ('errors' in answer) return answer.errors;
      const { schema, document, results } = answer;
      const rootValue = iterateOnBehalfOf(request, results);
      return { schema, document, operationName: params.operationName, rootValue };
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
    autoPong: false,
  });
  const logFailure = (error: unknown) => log.error({ err: error }, 'websocket failed');

  sockets.on('connection', (socket, req) => {
    let heardAt = performance.now();
    const hear = () => (heardAt = performance.now());
    const pings = setInterval(() => {
      if (performance.now() - heardAt > SILENCE_MS) socket.terminate();
      else socket.ping();
    }, PING_MS);
    socket.on('pong', hear);

    /** Done when the system has taken it, so that events are made no faster than they are read. */
    const write = (send: (done: () => void) => void) =>
      new Promise<void>((resolve) => {
        if (socket.readyState !== socket.OPEN) return resolve();
        send(() => {
          if (socket.bufferedAmount <= MAX_UNSENT_BYTES) socket.resume();
          resolve();
        });
        // Answers to what a client sends that does not read would heap up.
        if (socket.bufferedAmount > MAX_UNSENT_BYTES) socket.pause();
      });
    socket.on('ping', (data) => void write((done) => socket.pong(data, false, done)));

    // Who breaks the protocol, or the connection, has ended it.
    socket.on('error', ({ message }) => log.info({ reason: message }, 'websocket broken'));
    const closed = server.opened(
      {
        protocol: socket.protocol,
        send: (text) => write((done) => socket.send(text, done)),
        close: (code, reason) => socket.close(code, reason),
        onMessage: (handle) =>
          socket.on('message', (data, isBinary) => {
            hear();
            // Bytes that are no UTF-8 would be read as other text.
            if (isBinary) return socket.close(UNSUPPORTED_DATA, 'Messages are text');
            handle((data as Buffer).toString()).catch((error: unknown) => {
              if (isOutOfPlace(error)) return socket.close(CloseCode.BadRequest, 'Invalid message');
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
    connections: () => sockets.clients.size,
    subscriptions: () => subscriptions,
    close() {
      for (const socket of sockets.clients) {
        socket.close(GOING_AWAY, 'The gateway is stopping');
        setTimeout(() => socket.terminate(), GOODBYE_MS).unref();
      }
    },
  };
}
