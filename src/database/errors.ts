import { RequestOverError } from '../domain/errors.ts';

/**
 * The one place that knows how Prisma, its adapters, the driver and PostgreSQL say that something went wrong.
 * Sources: the kinds of @prisma/driver-adapter-utils, PostgreSQL's table of error codes (appendix A), libuv's codes.
 */

/**
 * `unavailable`: the same statement may succeed in a moment; `timeout`: it took too long; `refused`: what was asked for
 * cannot be asked of this server; `other`: anything else.
 */
export type DatabaseFault = 'unavailable' | 'timeout' | 'refused' | 'other';

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
  /^(timeout exceeded when trying to connect|timeout expired|Connection terminated|Client has encountered a connection error|Client was closed|Cannot use a pool after calling end)/;
const TIMEOUT_MESSAGES = /^Query read timeout/;

/** A protocol violation: more parameters than a statement may have. */
const TOO_MANY_PARAMETERS = '08P01';
/** Prisma's word for it. */
const PARAMETER_LIMIT = 'P2029';
/** A time zone that the server's tables lack, which may be older than ours. */
const UNKNOWN_TIME_ZONE = /^time zone ".*" not recognized$/;

/**
 * Connection exceptions (08), insufficient resources (53), a server that stops, starts or ends sessions (57P01 to 57P05), one
 * that takes nothing before it is promoted (25006), and transactions that had to give way to others (40).
 */
const UNAVAILABLE_SQLSTATE = /^(08...|25006|53...|57P0[1-5]|28...|3D000|40001|40P01)$/;
const QUERY_CANCELED = '57014';

/** Prisma: no transaction could be started in time. */
const TRANSACTION_NOT_STARTED = 'P2028';

interface Reported {
  code?: unknown;
  message?: unknown;
  cause?: unknown;
  kind?: unknown;
  originalCode?: unknown;
  originalMessage?: unknown;
  meta?: { driverAdapterError?: unknown };
}

function classifyOne({
  code,
  message,
  kind,
  originalCode,
  originalMessage,
}: Reported): DatabaseFault {
  const codes = [code, originalCode].filter((value) => typeof value === 'string');
  if (codes.includes(QUERY_CANCELED)) return 'timeout';
  if (codes.includes(TOO_MANY_PARAMETERS) || codes.includes(PARAMETER_LIMIT)) return 'refused';
  const texts = [message, originalMessage].filter((value) => typeof value === 'string');
  if (texts.some((text) => UNKNOWN_TIME_ZONE.test(text))) return 'refused';
  if (typeof message === 'string' && TIMEOUT_MESSAGES.test(message)) return 'timeout';
  const unavailable =
    (typeof kind === 'string' && UNAVAILABLE_KINDS.has(kind)) ||
    codes.some((c) => SOCKET_CODES.has(c) || UNAVAILABLE_SQLSTATE.test(c)) ||
    codes.includes(TRANSACTION_NOT_STARTED) ||
    (typeof message === 'string' && UNAVAILABLE_MESSAGES.test(message));
  return unavailable ? 'unavailable' : 'other';
}

/** An error and, one below the other, those that it wraps: Prisma and its adapters add layers, statement by statement others. */
function* layersOf(error: unknown): Generator<Reported> {
  let current: unknown = error;
  for (let depth = 0; depth < 8 && typeof current === 'object' && current !== null; depth++) {
    const reported = current as Reported;
    yield reported;
    current = reported.meta?.driverAdapterError ?? reported.cause;
  }
}

/** What an error thrown by the database layer means, looking through every layer that has wrapped it. */
export function classifyDatabaseError(error: unknown): DatabaseFault {
  for (const layer of layersOf(error)) {
    const fault = layer instanceof RequestOverError ? 'timeout' : classifyOne(layer);
    if (fault !== 'other') return fault;
  }
  return 'other';
}

/** Whether the server has given a statement up that took it too long; not, whether it gave no answer at all. */
export function isStatementTooSlow(error: unknown): boolean {
  return serverErrorOf(error)?.code === QUERY_CANCELED;
}

/** What the server itself said, by its SQLSTATE; undefined where the error did not come from the server. */
export function serverErrorOf(error: unknown): { code: string; message: string } | undefined {
  for (const { originalCode, originalMessage } of layersOf(error)) {
    if (typeof originalCode === 'string') {
      return { code: originalCode, message: String(originalMessage) };
    }
  }
  return undefined;
}

/** Whether a statement that writes has failed because its server takes no writes: it stands by for another, say. */
export function isReadOnlyServer(error: unknown): boolean {
  return serverErrorOf(error)?.code === '25006';
}
