import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { RETRY_AFTER_SECONDS } from '../domain/errors.ts';
import { isUnread } from './body.ts';
import { renderEnvelope, verdictOfStatus, type Stamp, type Verdict } from './envelope.ts';
import { tellHeader } from './response.ts';

const CONTENT_TYPE = 'application/json; charset=utf-8';

/**
 * What every answer tells browsers, unless it is another kind of answer: it is what it says it is, it is for who asked and
 * nobody after him, and it is no page, nor part of one of another host. Where CORS lets such a page read it, it may.
 */
export const SECURITY_HEADERS = new Map([
  ['X-Content-Type-Options', 'nosniff'],
  ['Cache-Control', 'no-store'],
  ['Referrer-Policy', 'no-referrer'],
  ['Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'"],
  ['X-Frame-Options', 'DENY'],
  ['Cross-Origin-Resource-Policy', 'same-origin'],
]);

/** A header that is to be given once; several are one, joined by commas. */
export function headerOf({ headers }: Pick<IncomingMessage, 'headers'>, name: string) {
  return headers[name.toLowerCase()] as string | undefined;
}

/** Milliseconds a refused body is read on and thrown away, so that its sender gets to read why. */
const LINGER_MS = 2000;

/** Writes the answer: an envelope with the verdict's HTTP status. */
export function writeEnvelope(
  res: ServerResponse,
  verdict: Verdict,
  stamp: Stamp,
  data?: string,
): void {
  const body = renderEnvelope(verdict, stamp, data);
  writeHead(res, verdict.status, body);
  res.end(body);
}

/** Writes JSON as an answer, whether or not the request's body has been read. */
export function writeJson(
  req: IncomingMessage,
  res: ServerResponse,
  status: number,
  body: string,
): void {
  if (isUnread(req)) {
    endUnread(req, res, status, body);
  } else {
    writeHead(res, status, body);
    res.end(body);
  }
}

function writeHead(res: ServerResponse, status: number, body: string): void {
  res.statusCode = status;
  tellHeader(res, 'Content-Type', CONTENT_TYPE);
  tellHeader(res, 'Content-Length', Buffer.byteLength(body));
  if (status === 503 && !res.hasHeader('Retry-After')) {
    res.setHeader('Retry-After', RETRY_AFTER_SECONDS);
  }
}

export interface Failure extends Stamp {
  /** HTTP status; 500 and 503 become the platform's hiccup, code 5000. */
  readonly status: number;
  /** The methods that a 405 names. */
  readonly allow?: string;
}

/** Writes an HTTP failure as an envelope: its code is the HTTP status, its message the reason phrase. */
export function writeFailure(res: ServerResponse, failure: Failure): void {
  if (failure.allow !== undefined) res.setHeader('Allow', failure.allow);
  writeEnvelope(res, verdictOfStatus(failure.status), failure);
}

/**
 * Answers with JSON a request whose body is not going to be read any further, and closes the connection. The answer goes out at once;
 * the connection is closed only when the sender has stopped or some time has passed, because closing it under a sender's
 * hands resets it, and a reset takes the answer away with it.
 */
function endUnread(req: IncomingMessage, res: ServerResponse, status: number, body: string): void {
  res.setHeader('Connection', 'close');
  writeHead(res, status, body);
  res.write(body);
  const finish = () => {
    clearTimeout(timer);
    if (!res.writableEnded) res.end();
  };
  const timer = setTimeout(finish, LINGER_MS).unref();
  if (req.readableEnded || req.destroyed) {
    finish();
    return;
  }
  req.once('end', finish);
  req.once('close', finish);
  req.resume();
}

/** {@link endUnread} with an envelope. */
export function refuseBody(
  req: IncomingMessage,
  res: ServerResponse,
  verdict: Verdict,
  stamp: Stamp,
): void {
  endUnread(req, res, verdict.status, renderEnvelope(verdict, stamp));
}

/** Connections whose present request may take any time to arrive. */
const unhurried = new WeakSet<object>();

/** Lets a request arrive in its own time, whatever the server's limit; whoever reads it has to end a sender who is silent. */
export function allowAnyTime(req: IncomingMessage, res: ServerResponse): void {
  const { socket } = req;
  unhurried.add(socket);
  res.once('close', () => unhurried.delete(socket));
}

// Node's own choices for requests that its parser gave up on; everything else it reports is a bad request.
const TOO_LATE = 'ERR_HTTP_REQUEST_TIMEOUT';
const STATUS_OF_CLIENT_ERROR: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  [TOO_LATE]: 408,
};

/**
 * The whole HTTP answer to a request that Node could not parse, for the server's `clientError` event, where there is a
 * socket and no response object.
 * @param error what the event brought.
 * @returns the status, for the log, and the bytes to end the socket with.
 */
export function renderClientError(error: Error, stamp: Stamp): { status: number; answer: string } {
  const status = STATUS_OF_CLIENT_ERROR[(error as NodeJS.ErrnoException).code ?? ''] ?? 400;
  const body = renderEnvelope(verdictOfStatus(status), stamp);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Date: ${new Date().toUTCString()}`,
    ...[...SECURITY_HEADERS].map(([name, value]) => `${name}: ${value}`),
    `X-Request-Id: ${stamp.requestId}`,
    `Content-Type: ${CONTENT_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  return { status, answer: `${head.join('\r\n')}\r\n\r\n${body}` };
}

/**
 * Answers a request that Node could not parse and closes the connection, as {@link refuseBody} does: not under the hands
 * of a sender who is still sending. To be called on every `clientError` event, of which one connection can bring many.
 * @returns the status answered, for the log; undefined where nothing could be said, or has been said already.
 */
export function answerClientError(error: Error, socket: Duplex, stamp: Stamp): number | undefined {
  if ((error as NodeJS.ErrnoException).code === TOO_LATE && unhurried.has(socket)) return undefined;
  if (socket.writableEnded) {
    // Each further piece of what is refused is reported anew. The timer below closes the connection.
    return undefined;
  }
  if (!socket.writable || (error as NodeJS.ErrnoException).code === 'ECONNRESET') {
    socket.destroy();
    return undefined;
  }
  const { status, answer } = renderClientError(error, stamp);
  socket.end(answer);
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once('close', () => clearTimeout(timer));
  return status;
}
