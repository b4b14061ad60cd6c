/**
 * The one place that knows how Prisma, its adapters, the driver and PostgreSQL say that something went wrong.
 * Sources: the kinds of @prisma/driver-adapter-utils, PostgreSQL's table of error codes (appendix A), libuv's codes.
 */

/** `unavailable`: the same statement may succeed in a moment; `timeout`: it took too long; `other`: anything else. */
export type DatabaseFault = 'unavailable' | 'timeout' | 'other';

const UNAVAILABLE_KINDS: ReadonlySet<string> = new Set([
  'DatabaseNotReachable',
  'ConnectionClosed',
  'SocketTimeout',
  'TlsConnectionError',
  'TooManyConnections',
  'DatabaseDoesNotExist',
  'DatabaseAccessDenied',
  'AuthenticationFailed',
]);

const SOCKET_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

// The driver gives these errors no code.
const UNAVAILABLE_MESSAGES =
  /^(timeout exceeded when trying to connect|Connection terminated|Client has encountered a connection error|Client was closed|Cannot use a pool after calling end)/;
const TIMEOUT_MESSAGES = /^Query read timeout/;

/** Connection exceptions (08), insufficient resources (53), a server that stops, starts or ends sessions (57P01 to 57P05). */
const UNAVAILABLE_SQLSTATE = /^(08...|53...|57P0[1-5]|28...|3D000)$/;
const QUERY_CANCELED = '57014';

/** Prisma: no transaction could be started in time. */
const TRANSACTION_NOT_STARTED = 'P2028';

interface Reported {
  code?: unknown;
  message?: unknown;
  cause?: unknown;
  kind?: unknown;
  originalCode?: unknown;
  meta?: { driverAdapterError?: unknown };
}

function classifyOne({ code, message, kind, originalCode }: Reported): DatabaseFault {
  const codes = [code, originalCode].filter((value) => typeof value === 'string');
  if (codes.includes(QUERY_CANCELED)) return 'timeout';
  if (typeof message === 'string' && TIMEOUT_MESSAGES.test(message)) return 'timeout';
  const unavailable =
    (typeof kind === 'string' && UNAVAILABLE_KINDS.has(kind)) ||
    codes.some((c) => SOCKET_CODES.has(c) || UNAVAILABLE_SQLSTATE.test(c)) ||
    codes.includes(TRANSACTION_NOT_STARTED) ||
    (typeof message === 'string' && UNAVAILABLE_MESSAGES.test(message));
  return unavailable ? 'unavailable' : 'other';
}

/** What an error thrown by the database layer means, looking through every layer that has wrapped it. */
export function classifyDatabaseError(error: unknown): DatabaseFault {
  let current: unknown = error;
  for (let depth = 0; depth < 8 && typeof current === 'object' && current !== null; depth++) {
    const reported = current as Reported;
    const fault = classifyOne(reported);
    if (fault !== 'other') return fault;
    current = reported.meta?.driverAdapterError ?? reported.cause;
  }
  return 'other';
}
