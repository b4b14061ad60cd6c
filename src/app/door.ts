import type { IncomingMessage, ServerResponse } from 'node:http';
import { ERROR_CODES, type ErrorCode } from '../domain/errors.ts';
import type { Session } from '../domain/session.ts';
import { mayObserve, mayRead, mayWrite } from '../domain/viewer.ts';
import {
  isImportPath,
  renderEnvelope,
  routeOf,
  splitTarget,
  verdictOfStatus,
  writeJson,
} from '../rest/rest.ts';
import type { AccessRecord } from './access.ts';
import { isPageRequest } from './graphiql.ts';
import { renderGraphQLError } from './graphql-request.ts';
import type { Identify } from './identify.ts';
import type { Overload, Place } from './overload.ts';
import { GRAPHQL_PATH, PROBE_PATHS } from './paths.ts';
import type { Spool } from './spool.ts';

/** What a caller who is not known is told beside the status (RFC 9110). */
const CHALLENGE = 'Bearer realm="Rosetta Gateway"';

/** GraphQL's codes of the statuses that requests are refused with before they are looked at. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  500: 'INTERNAL_SERVER_ERROR',
  503: 'SERVICE_UNAVAILABLE',
};

/** A request that was let in. */
export interface Admitted {
  /** Absent where nobody is asked who he is, and nothing is told. */
  readonly session?: Session;
  /** The body of an import, where it was put aside to find out who asks. */
  readonly body?: Spool | undefined;
  /** Its place among the requests under way. */
  readonly place?: Place;
}

export interface DoorOptions {
  readonly overload: Overload;
  readonly identify: Identify;
  /** Where the metrics are; undefined: not here. */
  readonly metricsPath: string | undefined;
  /** Whether GraphiQL is there, which is open to everybody too. */
  readonly graphiql: boolean;
  /** Whether a request comes from a page that may send it, or from none. */
  readonly isFromKnownPage: (req: IncomingMessage) => boolean;
  /** The IANA time zone of an envelope's `date`. */
  readonly timeZone: string;
  /** Whether data is taken in. */
  readonly ingest: boolean;
}

/** Makes what lets requests in before anything is done with them, or answers those that it does not let in. */
export function createDoor(options: DoorOptions) {
  const { identify, overload, metricsPath, graphiql, timeZone, ingest } = options;

  const refuse = (
    req: IncomingMessage,
    res: ServerResponse,
    status: number,
    requestId: string,
    access: AccessRecord,
  ) => {
    if (status === 401) res.setHeader('WWW-Authenticate', CHALLENGE);
    const code = access.route === GRAPHQL_PATH ? CODES[status] : undefined;
    if (code) {
      access.errorCodes = [code];
      writeJson(req, res, status, renderGraphQLError(code, ERROR_CODES[code]));
    } else {
      const verdict = verdictOfStatus(status);
      access.code = verdict.code;
      writeJson(req, res, status, renderEnvelope(verdict, { requestId, timeZone }));
    }
  };

  /** @returns undefined for a request that was refused, and is answered. */
  return async (
    req: IncomingMessage,
    res: ServerResponse,
    requestId: string,
    access: AccessRecord,
  ): Promise<Admitted | undefined> => {
    const { path } = splitTarget(req.url ?? '/');
    // GraphiQL is the same for everybody; what is asked from it says who asks.
    if (PROBE_PATHS.has(path) || (graphiql && path === GRAPHQL_PATH && isPageRequest(req)))
      return {};
    const isMetrics = path === metricsPath;
    access.route = path === GRAPHQL_PATH || isMetrics ? path : routeOf(path);
    const turnAway = () => {
      overload.turnAway();
      access.turnedAway = true;
      refuse(req, res, 503, requestId, access);
      return undefined;
    };
    // Whoever looks how the gateway does is to see it at overload too.
    if (overload.isFull() && !isMetrics) return turnAway();
    const isImport = isImportPath(path);
    if (isImport && !options.isFromKnownPage(req)) {
      // Its body may be of any type, which a browser lets every page send, to this very machine too.
      access.refusal = `origin ${req.headers.origin}`;
      refuse(req, res, 403, requestId, access);
      return undefined;
    }
    const found = await identify(req, res, requestId, isImport && ingest && req.method === 'POST');
    if (!('session' in found)) {
      access.refusal = found.reason;
      refuse(req, res, found.status, requestId, access);
      return undefined;
    }
    const { viewer } = found.session;
    access.viewer = viewer.name;
    const may = isMetrics ? mayObserve : isImport ? mayWrite : mayRead;
    // What an operation of GraphQL asks for is known later.
    if (path !== GRAPHQL_PATH && !may(viewer)) {
      access.refusal = `role ${viewer.role}`;
      await found.body?.close();
      refuse(req, res, 403, requestId, access);
      return undefined;
    }
    if (isMetrics) return found;
    // Only now: strangers who send slowly take no place of those who are known.
    const place = overload.enter(res);
    if (place) return { ...found, place };
    await found.body?.close();
    return turnAway();
  };
}
