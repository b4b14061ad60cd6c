import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { createAuthenticator } from '../auth/authenticate.ts';
import { CheckUnavailableError } from '../auth/identity.ts';
import type { Config } from '../config/config.ts';
import type { Database } from '../database/database.ts';
import { idempotencyKeys, type KeyTimes } from '../database/idempotency.ts';
import { currentRequest, onBehalfOf } from '../database/request.ts';
import type { LeasePoints } from '../domain/budget/leases.ts';
import { GatewayError } from '../domain/errors.ts';
import { IDEMPOTENCY_KEY } from '../domain/idempotency.ts';
import type { Viewer } from '../domain/viewer.ts';
import { createFeed, type Feed } from '../feed/feed.ts';
import type { Metrics } from '../metrics/metrics.ts';
import {
  createRest,
  headerOf,
  isLasting,
  refuseBody,
  SECURITY_HEADERS,
  splitTarget,
  verdictOfStatus,
  writeFailure,
  writeJson,
} from '../rest/rest.ts';
import type { Tracing } from '../tracing/tracing.ts';
import type { AccessRecord } from './access.ts';
import { createAccounts } from './budget.ts';
import { createCors } from './cors.ts';
import { withDeadline } from './deadline.ts';
import { createDoor, type Admitted } from './door.ts';
import { createExporter } from './export.ts';
import { isPageRequest, writePage } from './graphiql.ts';
import { createGraphQL } from './graphql.ts';
import { prepareGraphQLRequest, renderGraphQLError } from './graphql-request.ts';
import { createImporter } from './import.ts';
import { createReadinessCheck, writeProbe } from './health.ts';
import { createIdentifier } from './identify.ts';
import { isRead, METRICS_PATH, writeMetrics } from './metrics.ts';
import { createOverload } from './overload.ts';
import { createRequestId } from './request-id.ts';
import { isSameOrigin, isWebSocket, refuseUpgrade } from './upgrade.ts';
import { createWebSockets } from './websocket.ts';

export interface GatewayOptions {
  config: Pick<
    Config,
    | 'timeZone'
    | 'rosettaDomain'
    | 'compiled'
    | 'maxBodyBytes'
    | 'maxExports'
    | 'maxRequests'
    | 'requestTimeoutMs'
    | 'maxSpoolBytes'
    | 'maxLagMs'
    | 'database'
    | 'limits'
    | 'minGroup'
    | 'surface'
    | 'operations'
    | 'ingest'
    | 'auth'
    | 'secretKey'
    | 'metrics'
    | 'tracing'
  >;
  log: Logger;
  /** What is counted. */
  metrics: Metrics;
  /** What traces requests; absent where nothing does. */
  tracing?: Tracing | undefined;
  /** The database, once it is ready to be asked; until then requests are answered with 503. */
  database: () => Database | undefined;
  /** The gateway is to end: imports and exports stop where they are, other requests are finished. */
  stopping?: AbortSignal;
  /** How long a body may take, a reader may take nothing, and keys are kept; for tests. */
  bodyTimeoutMs?: number;
  stallTimeoutMs?: number;
  keyTimes?: KeyTimes;
  /** How long a subscriber may leave an event untaken, in milliseconds; for tests. */
  stallMs?: number;
  /** Takes points out of budgets; for tests. */
  lease?: LeasePoints;
  /** Who asks, where nobody is asked who he is; for tests. */
  anybody?: Viewer;
}

const GRAPHQL_PATH = '/graphql';
const PROBE_PATHS: ReadonlySet<string> = new Set(['/healthz', '/readyz']);
/** Somebody looks there every few seconds, for ever. */
const UNTRACED_PATHS: ReadonlySet<string> = new Set([...PROBE_PATHS, METRICS_PATH]);

/** Why subscriptions end with the gateway. */
const STOPPING = new GatewayError(
  'SERVICE_UNAVAILABLE',
  'The gateway is stopping: subscribe again with the last `watermark` as `after`.',
);

/** What Node's HTTP server is to be given, and a way to end what would never end by itself. */
export interface Gateway {
  readonly handle: RequestListener;
  /** @returns whether the connection was taken over, or refused; else it is an ordinary request's. */
  readonly upgrade: (req: IncomingMessage, socket: Duplex, head: Buffer) => boolean;
  /** How many subscriptions are told of what changes. */
  readonly subscriptions: () => number;
  /** Ends the subscriptions, and lets nobody subscribe any more. */
  readonly stop: () => void;
}

/** The gateway: GraphQL, the REST routes and the probes. */
export function createGateway(options: GatewayOptions): Gateway {
  const { config, log, metrics, tracing, database } = options;
  const { stopping = new AbortController().signal } = options;
  const keys = () => {
    const open = database();
    return open && config.ingest ? idempotencyKeys(open.prisma, log, options.keyTimes) : undefined;
  };
  const metricsPath = config.metrics ? undefined : METRICS_PATH;
  let theFeed: Feed | undefined;
  const feed = (open: Database) => {
    theFeed ??= createFeed(open, log, options.stallMs);
    if (stopping.aborted) theFeed.end(STOPPING);
    return theFeed;
  };
  const authenticate = createAuthenticator({
    ...config,
    anybody: options.anybody,
    log,
    database: () => {
      const open = database();
      if (!open) throw new CheckUnavailableError('The database is not ready yet.');
      return open.prisma;
    },
  });
  const openAccount = createAccounts(log, database, options.lease);
  const { corsOrigins, graphiql } = config.surface;
  const letRead = createCors(corsOrigins);
  const isFromKnownPage = (req: IncomingMessage) =>
    isSameOrigin(req) || corsOrigins.has(req.headers.origin!);
  const overload = createOverload({
    log,
    metrics,
    maxRequests: config.maxRequests,
    // A statement of the embedded database holds the event loop up, and says nothing of how much is under way.
    maxLagMs: config.database.kind === 'postgresql' ? config.maxLagMs : Infinity,
    longestWaitMs: () => database()?.connections()?.longestWaitMs ?? 0,
  });
  const admit = createDoor({
    ...config,
    overload,
    graphiql,
    isFromKnownPage,
    identify: createIdentifier({
      authenticate,
      log,
      maxBytes: config.maxBodyBytes,
      maxSpoolBytes: config.maxSpoolBytes,
      timeoutMs: options.bodyTimeoutMs,
      stopping,
    }),
    graphqlPath: GRAPHQL_PATH,
    metricsPath,
    openPaths: PROBE_PATHS,
  });
  const graphql = createGraphQL({ config, log, metrics, database, keys, feed });
  const webSockets = createWebSockets({
    log,
    metrics,
    tracing,
    maxMessageBytes: config.maxBodyBytes,
    authenticate,
    openAccount,
    subscribe: graphql.subscribe,
  });
  const rest = createRest({
    ...config,
    execute: graphql.execute,
    importBody: config.ingest
      ? createImporter({ log, metrics, database, keys, stopping })
      : undefined,
    exportRows: createExporter({ ...config, log, metrics, database, stopping }),
    bodyTimeoutMs: options.bodyTimeoutMs,
    stallTimeoutMs: options.stallTimeoutMs,
    stopping,
  });
  /** The requests that are not over. */
  const underWay = new Set<AccessRecord>();
  metrics.watchTraffic({
    requests: () => underWay.size,
    webSockets: webSockets.connections,
    subscriptions: () => ({
      sse: [...underWay].filter(({ operationType }) => operationType === 'subscription').length,
      websocket: webSockets.subscriptions(),
    }),
  });
  metrics.watchPool(() => database()?.connections());
  const stampOf = (requestId: string) => ({ requestId, timeZone: config.timeZone });
  const checkReadiness = createReadinessCheck(database, stopping);

  const answer = async (
    req: IncomingMessage,
    res: ServerResponse,
    requestId: string,
    access: AccessRecord,
    { session, body: importBody, place }: Admitted,
  ): Promise<void> => {
    const { path } = splitTarget(req.url ?? '/');
    if (path === GRAPHQL_PATH && graphiql && isPageRequest(req)) {
      access.route = path;
      writePage(req, res);
    } else if (path === GRAPHQL_PATH) {
      access.route = path;
      const refusal = await prepareGraphQLRequest(req, config.maxBodyBytes);
      if (!refusal) {
        const { body } = req as { body?: string };
        const idempotencyKey = headerOf(req, IDEMPOTENCY_KEY);
        const hangUp = () => res.destroy();
        const lasts = () => {
          place?.giveUp();
          currentRequest()?.lift?.();
        };
        const account = session && openAccount(session, access, res);
        const scope = { requestId, session, account, access, idempotencyKey, body, hangUp, lasts };
        await graphql.yoga(req, res, scope);
      } else if ('unread' in refusal) {
        refuseBody(req, res, verdictOfStatus(refusal.unread), stampOf(requestId));
      } else {
        access.errorCodes = ['BAD_USER_INPUT'];
        const { status, message } = refusal;
        writeJson(req, res, status, renderGraphQLError('BAD_USER_INPUT', message));
      }
    } else if (PROBE_PATHS.has(path) || path === metricsPath) {
      access.route = path;
      if (!isRead(req)) {
        writeFailure(res, { ...stampOf(requestId), status: 405, allow: 'GET, HEAD' });
      } else if (path === metricsPath) {
        await writeMetrics(res, metrics);
      } else {
        writeProbe(res, path === '/healthz' ? { ready: true } : await checkReadiness());
      }
    } else if (session) {
      if (isLasting(path)) place?.giveUp();
      const account = openAccount(session, access, res);
      const asked = { requestId, session, account, body: importBody?.read() };
      const outcome = await rest(req, res, asked, access);
      access.route = outcome.route;
      access.code = outcome.code;
      if (outcome.cost !== undefined) access.cost = outcome.cost;
      if (outcome.warning) {
        log.warn({ requestId, route: outcome.route, ...outcome.warning }, 'page size cut');
      }
    }
  };

  const serve = async (
    ...[req, res, requestId, access]: Parameters<typeof admit>
  ): Promise<void> => {
    if (letRead(req, res)) {
      access.route = 'preflight';
      return;
    }
    const admitted = await admit(req, res, requestId, access);
    try {
      if (admitted) await answer(req, res, requestId, access, admitted);
    } finally {
      await admitted?.body?.close();
    }
  };

  const handle: RequestListener = (req, res) => {
    const started = performance.now();
    const requestId = createRequestId();
    const access: AccessRecord = { route: 'unknown' };
    res.setHeaders(SECURITY_HEADERS);
    res.setHeader('X-Request-Id', requestId);
    if (stopping.aborted) res.setHeader('Connection', 'close');
    underWay.add(access);
    const { path } = splitTarget(req.url ?? '/');
    const asked = { requestId, about: access };
    const trace = UNTRACED_PATHS.has(path) ? undefined : tracing?.begin(asked, path, req);
    const traced = { ...asked, trace };
    const request = isLasting(path) ? traced : withDeadline(traced, res, config.requestTimeoutMs);
    const end = () => {
      underWay.delete(access);
      const durationMs = performance.now() - started;
      // Who hung up before the answer was given no status.
      const status = res.writableEnded ? res.statusCode : undefined;
      metrics.requestEnded({ ...access, status }, durationMs / 1000);
      request.trace?.end({ ...access, status });
      // Somebody looks every few seconds, for ever.
      const isRoutine = access.route === METRICS_PATH && status === 200;
      // At overload a line each would be too much: there is one a second about all of them.
      const level = isRoutine || access.turnedAway ? 'debug' : 'info';
      log[level](
        {
          requestId,
          method: req.method,
          ...access,
          ...(status === undefined ? { aborted: true } : { status }),
          durationMs: Math.round(durationMs * 100) / 100,
        },
        'request',
      );
    };
    res.once('close', () => onBehalfOf(request, end));
    const fail = (error: unknown) => {
      log.error({ requestId, err: error }, 'request failed');
      if (!res.headersSent) writeFailure(res, { ...stampOf(requestId), status: 500 });
      else res.destroy();
    };
    void onBehalfOf(request, () => serve(req, res, requestId, access).catch(fail));
  };

  return {
    handle,
    upgrade(req, socket, head) {
      const { path } = splitTarget(req.url ?? '/');
      if (path !== GRAPHQL_PATH || !isWebSocket(req) || stopping.aborted) return false;
      if (isFromKnownPage(req)) {
        webSockets.upgrade(req, socket, head);
      } else {
        metrics.refused('origin');
        log.info(
          { route: GRAPHQL_PATH, origin: req.headers.origin, status: 403 },
          'websocket refused',
        );
        refuseUpgrade(socket);
      }
      return true;
    },
    subscriptions: () => theFeed?.members() ?? 0,
    stop() {
      theFeed?.end(STOPPING);
      webSockets.close();
    },
  };
}
