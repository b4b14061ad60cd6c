import type { IncomingMessage, ServerResponse } from 'node:http';
import cors from 'cors';

/** The headers by which callers say who they are, what they send and that they send it again. */
const ALLOWED_HEADERS = [
  'Authorization',
  'X-API-Key',
  'X-STARDUST-KEY',
  'X-TS',
  'X-NONCE',
  'X-SIGN',
  'X-SIGN-256',
  'Content-Type',
  'Content-Encoding',
  'Idempotency-Key',
];

/** The headers of answers that are for callers to read. */
const EXPOSED_HEADERS = [
  'X-Request-Id',
  'Retry-After',
  'RateLimit-Limit',
  'RateLimit-Remaining',
  'RateLimit-Reset',
  'X-Page-Size',
  'X-Export-Watermark',
  'Content-Disposition',
  'Idempotent-Replayed',
];

/** Seconds for which a browser need not ask again; none asks less often than every two hours. */
const MAX_AGE_SECONDS = 7200;

/** Lets pages of other hosts read an answer. @returns whether the request was only a question about that, and is answered. */
export type LetRead = (req: IncomingMessage, res: ServerResponse) => boolean;

/** Whether a browser asks what it may send from a page: the page's own request is never OPTIONS here. */
function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
}

/**
 * Makes what lets pages of some origins read answers, GraphQL's and REST's alike. Cookies are never asked for: nothing here
 * is decided by them.
 */
export function createCors(origins: ReadonlySet<string>): LetRead {
  if (origins.size === 0) return () => false;
  const setHeaders = cors({
    origin: [...origins],
    methods: ['GET', 'POST'],
    allowedHeaders: ALLOWED_HEADERS,
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: MAX_AGE_SECONDS,
  });
  return (req, res) => {
    const { origin = '' } = req.headers;
    const isAnswered = isPreflight(req) && origins.has(origin);
    // Any other OPTIONS is a wrong method.
    if (isAnswered || req.method !== 'OPTIONS') setHeaders(req, res, () => {});
    return isAnswered;
  };
}
