import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { Database } from '../database/database.ts';
import { idempotencyKeys, type KeyTimes } from '../database/idempotency.ts';
import { IDEMPOTENCY_KEY } from '../domain/idempotency.ts';
import type { OperationRecord } from '../plugins/operation-record.ts';
import {
  createRest,
  headerOf,
  refuseBody,
  splitTarget,
  verdictOfStatus,
  writeFailure,
  type ExportProgress,
} from '../rest/rest.ts';
import { createGraphQL } from './graphql.ts';
import { prepareGraphQLRequest, writeGraphQLRefusal } from './graphql-request.ts';
import { createExporter } from './export.ts';
import { createImporter } from './import.ts';
import { createReadinessCheck, writeProbe } from './health.ts';
import { createRequestId } from './request-id.ts';

export interface GatewayOptions {
  config: Pick<Config, 'timeZone' | 'rosettaDomain' | 'maxBodyBytes' | 'maxExports' | 'ingest'>;
  log: Logger;
  /** The database, once it is ready to be asked; until then requests are answered with 503. */
  database: () => Database | undefined;
  isStopping?: () => boolean;
  /** How long a body may take, a reader may take nothing, and keys are kept; for tests. */
  bodyTimeoutMs?: number;
  stallTimeoutMs?: number;
  keyTimes?: KeyTimes;
}

/** What the log line of a request says of it. */
interface AccessRecord extends OperationRecord, ExportProgress {
  route: string;
  /** The code of a REST envelope. */
  code?: number;
}

const GRAPHQL_PATH = '/graphql';
const PROBE_PATHS: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

/** The gateway as a handler of Node's HTTP requests: GraphQL, the REST routes and the probes. */
export function createGateway(options: GatewayOptions): RequestListener {
  const { config, log, database, isStopping = () => false } = options;
  const keys = () => {
    const open = database();
    return open && config.ingest ? idempotencyKeys(open.prisma, log, options.keyTimes) : undefined;
  };
  const graphql = createGraphQL({ config, log, database, keys });
  const rest = createRest({
    ...config,
    execute: graphql.execute,
    importBody: config.ingest ? createImporter({ log, database, keys }) : undefined,
    exportRows: createExporter({ log, database, maxExports: config.maxExports, isStopping }),
    bodyTimeoutMs: options.bodyTimeoutMs,
    stallTimeoutMs: options.stallTimeoutMs,
  });
  const stampOf = (requestId: string) => ({ requestId, timeZone: config.timeZone });
  const checkReadiness = createReadinessCheck(database, isStopping);

  const answer = async (
    req: IncomingMessage,
    res: ServerResponse,
    requestId: string,
    access: AccessRecord,
  ): Promise<void> => {
    const { path } = splitTarget(req.url ?? '/');
    if (path === GRAPHQL_PATH) {
      access.route = path;
      const refusal = await prepareGraphQLRequest(req, config.maxBodyBytes);
      if (!refusal) {
        const { body } = req as { body?: string };
        const idempotencyKey = headerOf(req, IDEMPOTENCY_KEY);
        await graphql.yoga(req, res, { requestId, access, idempotencyKey, body });
      } else if ('unread' in refusal) {
        refuseBody(req, res, verdictOfStatus(refusal.unread), stampOf(requestId));
      } else {
        access.errorCodes = ['BAD_USER_INPUT'];
        writeGraphQLRefusal(res, refusal.message);
      }
    } else if (PROBE_PATHS.has(path)) {
      access.route = path;
      if (req.method !== 'GET' && req.method !== 'HEAD') {
        writeFailure(res, { ...stampOf(requestId), status: 405, allow: 'GET, HEAD' });
      } else {
        writeProbe(res, path === '/healthz' ? { ready: true } : await checkReadiness());
      }
    } else {
      const outcome = await rest(req, res, requestId, access);
      access.route = outcome.route;
      access.code = outcome.code;
      if (outcome.warning) {
        log.warn({ requestId, route: outcome.route, ...outcome.warning }, 'page size cut');
      }
    }
  };

  return (req, res) => {
    const started = performance.now();
    const requestId = createRequestId();
    const access: AccessRecord = { route: 'unknown' };
    res.setHeader('X-Request-Id', requestId);
    if (isStopping()) res.setHeader('Connection', 'close');
    res.once('close', () => {
      log.info(
        {
          requestId,
          method: req.method,
          ...access,
          // Who hung up before the answer was given no status.
          ...(res.writableEnded ? { status: res.statusCode } : { aborted: true }),
          durationMs: Math.round((performance.now() - started) * 100) / 100,
        },
        'request',
      );
    });
    answer(req, res, requestId, access).catch((error: unknown) => {
      log.error({ requestId, err: error }, 'request failed');
      if (!res.headersSent) writeFailure(res, { ...stampOf(requestId), status: 500 });
      else res.destroy();
    });
  };
}
