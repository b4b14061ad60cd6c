import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { answerClientError } from '../rest/rest.ts';
import type { Gateway } from './gateway.ts';
import { createRequestId } from './request-id.ts';
import { serveWithoutUpgrade } from './upgrade.ts';

/** Milliseconds a request may take to arrive whole, and its headers. */
const REQUEST_TIMEOUT_MS = 60_000;
const HEADERS_TIMEOUT_MS = 15_000;

/** An HTTP server with the gateway's limits, not listening yet. */
export function createHttpServer(
  config: Pick<Config, 'maxHeaderBytes' | 'timeZone'>,
  { handle, upgrade }: Pick<Gateway, 'handle' | 'upgrade'>,
  log: Logger,
): Server {
  /** The last answer on each connection, which may not be out yet. */
  const answers = new WeakMap<Duplex, ServerResponse>();
  const answer: RequestListener = (req, res) => {
    answers.set(req.socket, res);
    handle(req, res);
  };
  const server = createServer(
    {
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
  server.on('upgrade', (req, socket, head) => {
    const serve = () => {
      if (!upgrade(req, socket, head)) serveWithoutUpgrade(server, req, socket, head);
    };
    const earlier = answers.get(socket);
    if (!earlier || earlier.closed) return serve();
    // Who sends requests without waiting gets the answers in their order. Until then nobody looks after the connection.
    const onError = () => socket.destroy();
    socket.on('error', onError);
    earlier.once('close', () => {
      socket.off('error', onError);
      if (!socket.destroyed) serve();
    });
  });
  // What Node's parser refuses never reaches the handler.
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const requestId = createRequestId();
    const status = answerClientError(error, socket, { requestId, timeZone: config.timeZone });
    if (status === undefined) return;
    log.info({ requestId, route: 'unknown', status, reason: error.code }, 'request');
  });
  return server;
}
