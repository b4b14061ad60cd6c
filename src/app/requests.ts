import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { onBehalfOf, type CurrentRequest } from '../database/request.ts';
import type { Metrics } from '../metrics/metrics.ts';
import {
  isLasting,
  SECURITY_HEADERS,
  splitTarget,
  tellHeader,
  writeFailure,
} from '../rest/rest.ts';
import type { Tracing } from '../tracing/tracing.ts';
import type { AccessRecord } from './access.ts';
import { withDeadline } from './deadline.ts';
import { METRICS_PATH, PROBE_PATHS } from './paths.ts';
import { createRequestId } from './request-id.ts';

/** Somebody looks there every few seconds, for ever. */
const UNTRACED_PATHS: ReadonlySet<string> = new Set([...PROBE_PATHS, METRICS_PATH]);

/** Answers a request, and notes in `access` what its log line is to say. */
export type Serve = (
  req: IncomingMessage,
  res: ServerResponse,
  requestId: string,
  access: AccessRecord,
) => Promise<void>;

export interface RequestsOptions {
  readonly log: Logger;
  readonly metrics: Pick<Metrics, 'requestEnded'>;
  /** What traces them; absent where nothing does. */
  readonly tracing: Tracing | undefined;
  /** Milliseconds that one may take, those that last aside. */
  readonly requestTimeoutMs: number;
  /** The IANA time zone of an envelope's `date`. */
  readonly timeZone: string;
  /** The gateway is to end: no connection is kept for another request. */
  readonly stopping: AbortSignal;
  readonly serve: Serve;
}

/** The requests of HTTP, each from its head to its line in the log. */
export interface Requests {
  readonly handle: RequestListener;
  /** Those that are not over. */
  readonly underWay: ReadonlySet<AccessRecord>;
}

export function createRequests(options: RequestsOptions): Requests {
  const { log, metrics, tracing, requestTimeoutMs, timeZone, stopping, serve } = options;
  const underWay = new Set<AccessRecord>();

  /** Makes of it what is known of it to those who do something on its behalf. */
  const begin = (req: IncomingMessage, res: ServerResponse, about: AccessRecord) => {
    const requestId = createRequestId();
    const { path } = splitTarget(req.url ?? '/');
    const trace = UNTRACED_PATHS.has(path)
      ? undefined
      : tracing?.begin({ requestId, about }, path, req);
    const request: CurrentRequest = { requestId, about, trace };
    return isLasting(path) ? request : withDeadline(request, res, requestTimeoutMs);
  };

  const logEnd = (
    { method }: IncomingMessage,
    res: ServerResponse,
    { requestId, trace }: CurrentRequest,
    access: AccessRecord,
    durationMs: number,
  ) => {
    // Who hung up before the answer was given no status.
    const status = res.writableEnded ? res.statusCode : undefined;
    metrics.requestEnded({ ...access, status }, durationMs / 1000);
    trace?.end({ ...access, status });
    // Prometheus asks every few seconds, for ever.
    const isRoutine = access.route === METRICS_PATH && status === 200;
    // At overload a line each would be too much: there is one a second about all of them.
    const level = isRoutine || access.turnedAway ? 'debug' : 'info';
    log[level](
      {
        requestId,
        method,
        ...access,
        ...(status === undefined ? { aborted: true } : { status }),
        durationMs: Math.round(durationMs * 100) / 100,
      },
      'request',
    );
  };

  const handle: RequestListener = (req, res) => {
    const started = performance.now();
    const access: AccessRecord = { route: 'unknown' };
    const request = begin(req, res, access);
    const { requestId } = request;
    for (const [name, value] of SECURITY_HEADERS) tellHeader(res, name, value);
    tellHeader(res, 'X-Request-Id', requestId);
    if (stopping.aborted) res.setHeader('Connection', 'close');
    underWay.add(access);
    const end = () => {
      underWay.delete(access);
      logEnd(req, res, request, access, performance.now() - started);
    };
    // Where nothing is traced, no line says anything of the request that it is written for.
    res.once('close', tracing ? () => onBehalfOf(request, end) : end);
    const fail = (error: unknown) => {
      log.error({ requestId, err: error }, 'request failed');
      if (!res.headersSent) writeFailure(res, { requestId, timeZone, status: 500 });
      else res.destroy();
    };
    void onBehalfOf(request, () => serve(req, res, requestId, access).catch(fail));
  };

  return { handle, underWay };
}
