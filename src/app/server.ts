import { createServer, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { renderClientError } from '../rest/rest.ts';
import { createRequestId } from './request-id.ts';

/** Milliseconds a request may take to arrive whole, and its headers. */
const REQUEST_TIMEOUT_MS = 60_000;
const HEADERS_TIMEOUT_MS = 15_000;

/** An HTTP server with the gateway's limits, not listening yet. */
export function createHttpServer(
  config: Pick<Config, 'maxHeaderBytes' | 'timeZone'>,
  handler: RequestListener,
  log: Logger,
): Server {
  const server = createServer(
    {
      maxHeaderSize: config.maxHeaderBytes,
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: 5000,
    },
    handler,
  );
  // What Node's parser refuses never reaches the handler.
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (socket.writable && error.code !== 'ECONNRESET') {
      const requestId = createRequestId();
      const { status, answer } = renderClientError(error, { requestId, timeZone: config.timeZone });
      (socket as Socket).end(answer);
      log.info({ requestId, route: 'unknown', status, reason: error.code }, 'request');
    } else {
      socket.destroy();
    }
  });
  return server;
}
