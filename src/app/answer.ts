import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { currentRequest } from '../database/request.ts';
import { IDEMPOTENCY_KEY } from '../domain/idempotency.ts';
import type { Metrics } from '../metrics/metrics.ts';
import {
  headerOf,
  isLasting,
  refuseBody,
  splitTarget,
  verdictOfStatus,
  writeFailure,
  writeJson,
  type createRest,
} from '../rest/rest.ts';
import type { AccessRecord } from './access.ts';
import type { OpenAccount } from './budget.ts';
import type { Admitted } from './door.ts';
import { isPageRequest, writePage } from './graphiql.ts';
import { prepareGraphQLRequest, renderGraphQLError } from './graphql-request.ts';
import type { createGraphQL } from './graphql.ts';
import { writeProbe, type Readiness } from './health.ts';
import { isRead, writeMetrics } from './metrics.ts';
import { GRAPHQL_PATH, LIVENESS_PATH, PROBE_PATHS } from './paths.ts';

export interface AnswerOptions {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly graphql: Pick<ReturnType<typeof createGraphQL>, 'yoga' | 'direct'>;
  readonly rest: ReturnType<typeof createRest>;
  readonly openAccount: OpenAccount;
  readonly checkReadiness: () => Promise<Readiness>;
  /** Whether GraphiQL is there. */
  readonly graphiql: boolean;
  /** Where the metrics are; undefined: not here. */
  readonly metricsPath: string | undefined;
  readonly maxBodyBytes: number;
  /** The IANA time zone of an envelope's `date`. */
  readonly timeZone: string;
}

/** Makes what answers requests that were let in: by their paths, GraphQL, what an operator looks at, or REST. */
export function createAnswer(options: AnswerOptions) {
  const { log, metrics, graphql, rest, openAccount, graphiql, metricsPath, timeZone } = options;

  const answerGraphQL = async (
    req: IncomingMessage,
    res: ServerResponse,
    requestId: string,
    access: AccessRecord,
    { session, place }: Admitted,
  ): Promise<void> => {
    if (graphiql && isPageRequest(req)) return writePage(req, res);
    const refusal = await prepareGraphQLRequest(req, options.maxBodyBytes);
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
      const { yoga, direct } = graphql;
      const left = await direct.answer(req, res, scope);
      if (!left) return;
      await yoga(req, res, left);
      direct.learn(req, res);
    } else if ('unread' in refusal) {
      refuseBody(req, res, verdictOfStatus(refusal.unread), { requestId, timeZone });
    } else {
      access.errorCodes = ['BAD_USER_INPUT'];
      const { status, message } = refusal;
      writeJson(req, res, status, renderGraphQLError('BAD_USER_INPUT', message));
    }
  };

  const answerOperator = async (
    req: IncomingMessage,
    res: ServerResponse,
    requestId: string,
    path: string,
  ): Promise<void> => {
    if (!isRead(req)) {
      writeFailure(res, { requestId, timeZone, status: 405, allow: 'GET, HEAD' });
    } else if (path === metricsPath) {
      await writeMetrics(res, metrics);
    } else {
      writeProbe(res, path === LIVENESS_PATH ? { ready: true } : await options.checkReadiness());
    }
  };

  return async (
    req: IncomingMessage,
    res: ServerResponse,
    requestId: string,
    access: AccessRecord,
    admitted: Admitted,
  ): Promise<void> => {
    const { path } = splitTarget(req.url ?? '/');
    const { session, body, place } = admitted;
    if (path === GRAPHQL_PATH) {
      access.route = path;
      await answerGraphQL(req, res, requestId, access, admitted);
    } else if (PROBE_PATHS.has(path) || path === metricsPath) {
      access.route = path;
      await answerOperator(req, res, requestId, path);
    } else if (session) {
      if (isLasting(path)) place?.giveUp();
      const account = openAccount(session, access, res);
      const outcome = await rest(
        req,
        res,
        { requestId, session, account, body: body?.read() },
        access,
      );
      access.route = outcome.route;
      access.code = outcome.code;
      if (outcome.warning) {
        log.warn({ requestId, route: outcome.route, ...outcome.warning }, 'page size cut');
      }
    }
  };
}
