import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { promisify } from 'node:util';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { answerClientError, GatewayResponse } from '../rest/rest.ts';
import type { Gateway } from './gateway.ts';
import { createRequestId } from './request-id.ts';
import { serveWithoutUpgrade } from './upgrade.ts';

/** Milliseconds a request may take to arrive whole, and its headers. */
const REQUEST_TIMEOUT_MS = 60_000;
const HEADERS_TIMEOUT_MS = 15_000;

/** Where a connection keeps the last answer on it, which may not be out yet. */
const ANSWER = Symbol('answer');
/** Where it keeps those that wait behind another. */
const WAITING = Symbol('waiting');
interface Connection extends Duplex {
  [ANSWER]?: ServerResponse;
  [WAITING]?: Set<ServerResponse>;
}

/** Lets an answer that waits behind another hear of the loss of its connection, of which Node 20 tells only the first. */
function hearOfLoss(socket: Connection, res: ServerResponse): void {
  let waiting = socket[WAITING];
  if (!waiting) {
    const all = (waiting = socket[WAITING] = new Set<ServerResponse>());
    const tell = () => {
      for (const one of all) one.emit('close');
    };
    // Once Node has told those that it tells.
    socket.once('close', () => setImmediate(tell));
  }
  waiting.add(res);
  res.once('close', () => waiting.delete(res));
}

/** An HTTP server with the gateway's limits, not listening yet. */
export function createHttpServer(
  config: Pick<Config, 'maxHeaderBytes' | 'timeZone'>,
  { handle, upgrade }: Pick<Gateway, 'handle' | 'upgrade'>,
  log: Logger,
  metrics: Metrics,
): Server {
  const answer: RequestListener = (req, res) => {
    const socket: Connection = req.socket;
    const earlier = socket[ANSWER];
    socket[ANSWER] = res;
    if (earlier && !earlier.closed) hearOfLoss(socket, res);
    handle(req, res);
  };
  const server = createServer(
    {
      ServerResponse: GatewayResponse,
      maxHeaderSize: config.maxHeaderBytes,
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: 5000,
      // Node would refuse a request without a Host by itself, without a word.
      requireHostHeader: false,
    },
    answer,
  );
  // Node would answer an expectation it does not know by itself; we have none to fulfil.
  server.on('checkExpectation', answer);
  /** Who sends requests without waiting gets the answers in their order. */
  const inTurn = (socket: Connection, serve: () => void) => {
    const earlier = socket[ANSWER];
    if (!earlier || earlier.closed) return serve();
    earlier.once('close', () => {
      if (!socket.destroyed) serve();
    });
  };
  server.on('upgrade', (req, socket, head) => {
    // Until it is its turn nobody looks after the connection.
    const onError = () => socket.destroy();
    socket.on('error', onError);
    inTurn(socket, () => {
      socket.off('error', onError);
      if (!upgrade(req, socket, head)) serveWithoutUpgrade(server, req, socket, head);
    });
  });
  const refuse = (error: NodeJS.ErrnoException, socket: Duplex) => {
    const requestId = createRequestId();
    const status = answerClientError(error, socket, { requestId, timeZone: config.timeZone });
    if (status === undefined) return;
    metrics.malformed(status);
    log.info({ requestId, route: 'unknown', status, reason: error.code }, 'request');
  };
  // What Node's parser refuses never reaches the handler.
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Connection) => {
    const last = socket[ANSWER];
    if (!last || last.req.complete) return inTurn(socket, () => refuse(error, socket));
    // It is the body of a request. Where that has its answer already, a second one would be taken for the next request's.
    if (last.headersSent) socket.end();
    else refuse(error, socket);
  });
  // Node would hang up on who takes us for a proxy.
  server.on('connect', (_req, socket) => {
    socket.on('error', () => socket.destroy());
    const error = Object.assign(new Error('This is no proxy.'), { code: 'CONNECT' });
    inTurn(socket, () => refuse(error, socket));
  });
  metrics.watchConnections(() => promisify(server.getConnections.bind(server))());
  return server;
}
