import { Counter, Histogram, type Registry } from 'prom-client';
import { ERROR_CODES } from '../domain/errors.ts';
import { addGauge, addGauges, type Levels } from './gauges.ts';
import { boundedLabels, classOfRefusal, OTHER } from './labels.ts';
import { outcomeOf, type Ending } from './outcome.ts';

/** How many names of operations are told apart. */
const MAX_OPERATIONS = 100;

/** How many reasons of refusals, and codes of envelopes; both are ours, and fewer than that. */
const MAX_REASONS = 50;

/** Seconds: from a look-up by key to a large import. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120];

/** The errors that are told apart in answers of GraphQL: ours, and the language's own. */
const GRAPHQL_CODES: ReadonlySet<string> = new Set([
  ...Object.keys(ERROR_CODES),
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
]);

/** Points: from a row to the maximum that is allowed unless told. */
const COST_BUCKETS = [10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000];

export type Transport = 'sse' | 'websocket';

/** A request that is over. */
export interface EndedRequest extends Ending {
  /** One of ours, or `unknown`. */
  readonly route: string;
  /** The operation's name, which callers choose. */
  readonly operation?: string | undefined;
  readonly operationType?: string | undefined;
  /** What the operation costs, in points, where that was worked out. */
  readonly cost?: number | undefined;
  /** Why it was refused before anything was executed. */
  readonly refusal?: string | undefined;
}

/** What is under way. */
export interface Traffic {
  requests(): number;
  webSockets(): number;
  /** Open subscriptions by {@link Transport}. */
  subscriptions(): Levels;
}

/** Requests and subscriptions: how many, how they ended, and how long they took. */
export function createRequestMetrics(registry: Registry) {
  const registers = [registry];
  const labelOfOperation = boundedLabels(MAX_OPERATIONS);
  const labelOfRefusal = boundedLabels(MAX_REASONS);
  const labelOfCode = boundedLabels(MAX_REASONS);

  const duration = new Histogram({
    name: 'rosetta_gateway_request_duration_seconds',
    help: 'Time from the head of a request to the end of its answer; subscriptions aside.',
    labelNames: ['route', 'operation', 'outcome'] as const,
    buckets: BUCKETS,
    registers,
  });
  const costs = new Histogram({
    name: 'rosetta_gateway_operation_cost_points',
    help: 'What operations cost, those behind REST routes and subscriptions included, exports and imports with their rows; refused ones too.',
    labelNames: ['route', 'operation'] as const,
    buckets: COST_BUCKETS,
    registers,
  });
  const subscriptions = new Counter({
    name: 'rosetta_gateway_subscriptions_ended_total',
    help: 'Subscriptions that are over.',
    labelNames: ['transport', 'operation', 'outcome'] as const,
    registers,
  });
  const errors = new Counter({
    name: 'rosetta_gateway_request_errors_total',
    help: 'Errors that callers were told of, by their code, each once a request.',
    labelNames: ['route', 'code'] as const,
    registers,
  });
  const refusals = new Counter({
    name: 'rosetta_gateway_auth_refusals_total',
    help: 'Callers who were not let in, by the reason that the log has.',
    labelNames: ['reason'] as const,
    registers,
  });
  const malformed = new Counter({
    name: 'rosetta_gateway_malformed_requests_total',
    help: 'Requests that could not be read as HTTP, by the status they were answered with.',
    labelNames: ['status'] as const,
    registers,
  });
  const shed = new Counter({
    name: 'rosetta_gateway_shed_requests_total',
    help: 'Requests that were turned away at once because there was too much to do.',
    labelNames: ['reason'] as const,
    registers,
  });

  const queries = new Counter({
    name: 'rosetta_gateway_queries_total',
    help: 'Queries by how they were answered: `compiled`, by one statement; else by the resolvers, and this is why.',
    labelNames: ['answered'] as const,
    registers,
  });

  let traffic: Traffic | undefined;
  let countConnections: (() => Promise<number>) | undefined;
  addGauge(
    registry,
    'rosetta_gateway_requests_in_progress',
    'Requests whose answer is not out yet, subscriptions over SSE included.',
    () => traffic?.requests(),
  );
  addGauge(registry, 'rosetta_gateway_websocket_connections', 'Open WebSockets.', () =>
    traffic?.webSockets(),
  );
  addGauges(registry, 'rosetta_gateway_subscriptions', 'Open subscriptions.', 'transport', () =>
    traffic?.subscriptions(),
  );
  addGauge(
    registry,
    'rosetta_gateway_http_connections',
    'Open connections to the public port, WebSockets included.',
    () => countConnections?.(),
  );

  const countErrors = ({ route, errorCodes = [], code, status }: EndedRequest) => {
    for (const one of errorCodes) {
      errors.inc({ route, code: GRAPHQL_CODES.has(one) ? one : OTHER });
    }
    if (errorCodes.length > 0) return;
    if (code !== undefined && outcomeOf({ code, status }) !== 'success') {
      errors.inc({ route, code: labelOfCode(String(code)) });
    }
  };

  const noteRefusal = (reason: string) =>
    refusals.inc({ reason: labelOfRefusal(classOfRefusal(reason)) });

  const end = (request: EndedRequest, transport: Transport, seconds: number) => {
    const operation = request.operation === undefined ? '' : labelOfOperation(request.operation);
    if (request.operationType === 'subscription') {
      // How long a subscription lasts is its caller's affair, and says nothing of the gateway.
      subscriptions.inc({
        transport,
        operation,
        outcome: outcomeOf({ ...request, status: request.status ?? 200 }),
      });
    } else {
      duration.observe({ route: request.route, operation, outcome: outcomeOf(request) }, seconds);
    }
    if (request.cost !== undefined) {
      costs.observe({ route: request.route, operation }, request.cost);
    }
    countErrors(request);
    if (request.refusal !== undefined) noteRefusal(request.refusal);
  };

  return {
    /** A request over HTTP is over. */
    requestEnded: (request: EndedRequest, seconds: number) => end(request, 'sse', seconds),
    /** What was asked for over WebSocket is over. */
    webSocketOperationEnded: (request: EndedRequest, seconds: number) =>
      end(request, 'websocket', seconds),
    /** Somebody was not let in, and nothing else is told of his request. */
    refused: noteRefusal,
    malformed: (status: number) => malformed.inc({ status }),
    /** @param how one of ours. */
    queryAnswered: (how: string) => queries.inc({ answered: how }),
    shed: (reason: string) => shed.inc({ reason }),
    watchTraffic(watched: Traffic) {
      traffic = watched;
    },
    /** @param count how many connections the server has. */
    watchConnections(count: () => Promise<number>) {
      countConnections = count;
    },
  };
}
