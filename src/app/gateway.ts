import type { IncomingMessage, RequestListener } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { createAuthenticator } from '../auth/authenticate.ts';
import { CheckUnavailableError } from '../auth/identity.ts';
import type { Config } from '../config/config.ts';
import type { Database } from '../database/database.ts';
import { idempotencyKeys, type KeyTimes } from '../database/idempotency.ts';
import type { LeasePoints } from '../domain/budget/leases.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Viewer } from '../domain/viewer.ts';
import { createFeed, type Feed } from '../feed/feed.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { createRest, splitTarget } from '../rest/rest.ts';
import type { Tracing } from '../tracing/tracing.ts';
import { createAnswer } from './answer.ts';
import { createAccounts } from './budget.ts';
import { createCors } from './cors.ts';
import { createDoor } from './door.ts';
import { createExporter } from './export.ts';
import { createGraphQL } from './graphql.ts';
import { createReadinessCheck } from './health.ts';
import { createIdentifier } from './identify.ts';
import { createImporter } from './import.ts';
import { createOverload } from './overload.ts';
import { GRAPHQL_PATH, METRICS_PATH } from './paths.ts';
import { createRequests } from './requests.ts';
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

/** Wires the parts of the gateway together: who is let in, what answers, and what is seen of it. */
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
    metricsPath,
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
  const answer = createAnswer({
    ...config,
    log,
    metrics,
    graphql,
    rest,
    openAccount,
    checkReadiness: createReadinessCheck(database, stopping),
    graphiql,
    metricsPath,
  });
  const requests = createRequests({
    ...config,
    log,
    metrics,
    tracing,
    stopping,
    async serve(req, res, requestId, access) {
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
    },
  });
  metrics.watchTraffic({
    requests: () => requests.underWay.size,
    webSockets: webSockets.connections,
    subscriptions: () => ({
      sse: [...requests.underWay].filter(({ operationType }) => operationType === 'subscription')
        .length,
      websocket: webSockets.subscriptions(),
    }),
  });
  metrics.watchPool(() => database()?.connections());

  return {
    handle: requests.handle,
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
