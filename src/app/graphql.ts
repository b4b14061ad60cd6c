import {
  getOperationAST,
  OperationTypeNode,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLError,
  type GraphQLSchema,
} from 'graphql';
import { createYoga, isAsyncIterable, mapAsyncIterator } from 'graphql-yoga';
import type { Logger } from 'pino';
import { wordsOf } from '../compiled/left.ts';
import { useCompiled, type AttemptedRequest, type CompiledOptions } from '../compiled/plugin.ts';
import type { Config } from '../config/config.ts';
import type { Database } from '../database/database.ts';
import { classifyDatabaseError } from '../database/errors.ts';
import { currentRequest } from '../database/request.ts';
import { rollUpZone } from '../database/rollups.ts';
import { clientFor, textsFor } from '../database/scoped.ts';
import { GatewayError, type ErrorCode } from '../domain/errors.ts';
import type { ClaimKey } from '../domain/idempotency.ts';
import type { Session } from '../domain/session.ts';
import type { Feed } from '../feed/feed.ts';
import { importEntities } from '../import/entities.ts';
import { createLoaders } from '../loaders/loaders.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { useBudget, type ChargedRequest } from '../plugins/budget.ts';
import { useCost } from '../plugins/cost.ts';
import { createDocumentCaches } from '../plugins/document-caches.ts';
import { createErrorMask, logReasons, useErrorLog } from '../plugins/errors.ts';
import { useHiddenPeople } from '../plugins/hidden-people.ts';
import { useIdempotency, type IdempotentRequest } from '../plugins/idempotency.ts';
import { useIncremental } from '../plugins/incremental.ts';
import { useLimits } from '../plugins/limits.ts';
import {
  noteErrors,
  useOperationRecord,
  type OperationRecord,
} from '../plugins/operation-record.ts';
import { useOperationTrace } from '../plugins/operation-trace.ts';
import { useReservedNames } from '../plugins/reserved-names.ts';
import {
  createFinder,
  ID_PARAMETERS,
  usePersistedOperations,
  type FindOperation,
  type OperationParams,
} from '../plugins/persisted-operations.ts';
import { useRights } from '../plugins/rights.ts';
import { useSchemaWords } from '../plugins/schema-words.ts';
import { useSubscriptions } from '../plugins/subscriptions.ts';
import type { GatewayContext } from '../schema/context.ts';
import { schema } from '../schema/index.ts';
import { createDirect } from './direct.ts';
import { createDocuments } from './documents.ts';
import { countEntities } from './imported-rows.ts';
import { readManifest } from './manifest.ts';
import { GRAPHQL_PATH } from './paths.ts';

/** What the HTTP handler hands to Yoga with each request. */
export interface RequestScope extends IdempotentRequest, ChargedRequest, AttemptedRequest {
  requestId: string;
  /** Who asks; absent where nothing may be executed. */
  session?: Session | undefined;
  access: OperationRecord;
  /** Closes the caller's connection. */
  hangUp: () => void;
  /** Says that it is a subscription, which is not under way as others are. */
  lasts?: () => void;
}

/** What a caller wants to subscribe to. */
interface SubscribeParams extends OperationParams {
  readonly query: string;
  readonly operationName?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
}

/** Subscribes for a caller who did not come over HTTP. What goes wrong is logged, and told as callers are told. */
export type Subscribe = (
  params: SubscribeParams,
  scope: Omit<RequestScope, keyof IdempotentRequest>,
) => Promise<
  | { schema: GraphQLSchema; document: DocumentNode; results: AsyncIterable<ExecutionResult> }
  | { errors: readonly GraphQLError[] }
>;

export interface GraphQLOptions {
  config: Pick<
    Config,
    | 'rosettaDomain'
    | 'compiled'
    | 'ingest'
    | 'limits'
    | 'minGroup'
    | 'surface'
    | 'operations'
    | 'timeZone'
    | 'tracing'
  >;
  log: Logger;
  metrics: Pick<Metrics, 'rowsImported' | 'queryAnswered'>;
  /** The database, once it is ready to be asked. */
  database: () => Database | undefined;
  /** The keys of mutations that may be repeated, once the database is ready; undefined where nothing is taken in. */
  keys: () => ClaimKey | undefined;
  /** What changes in a database. */
  feed: (database: Database) => Feed;
}

/** What a context is made of. */
type Scope = Pick<RequestScope, 'requestId' | 'session'> & Partial<Pick<RequestScope, 'hangUp'>>;

/** The database is being prepared. */
class NotReadyError extends Error {
  override name = 'NotReadyError';
}

function translate(error: unknown): ErrorCode | undefined {
  if (error instanceof NotReadyError) return 'SERVICE_UNAVAILABLE';
  // The executor's words on the argument of @stream, which it checks too late to say where it stands.
  if (error instanceof Error && /^initialCount must be /.test(error.message)) {
    return 'BAD_USER_INPUT';
  }
  switch (classifyDatabaseError(error)) {
    case 'unavailable':
      return 'SERVICE_UNAVAILABLE';
    case 'timeout':
      return 'TIMEOUT';
    case 'refused':
      return 'BAD_USER_INPUT';
    case 'other':
      return undefined;
  }
}

/** What Yoga wraps around the executor, for the documents that do not come over GraphQL. */
interface Enveloped {
  schema: GraphQLSchema;
  parse: (source: string) => DocumentNode;
  validate: (schema: GraphQLSchema, document: DocumentNode) => readonly GraphQLError[];
  execute: (args: ExecutionArgs) => Promise<ExecutionResult>;
  subscribe: (args: ExecutionArgs) => Promise<AsyncIterable<ExecutionResult> | ExecutionResult>;
  contextFactory: () => Promise<unknown>;
}

/** The GraphQL side: Yoga for HTTP, and a way to execute a document of our own over the same schema and context. */
export function createGraphQL({ config, log, metrics, database, keys, feed }: GraphQLOptions) {
  const openDatabase = (): Database => {
    const open = database();
    if (!open) throw new NotReadyError('The database is not ready yet.');
    return open;
  };
  const createCompiledContext = ({ viewer }: Session) => {
    const { prisma, texts } = openDatabase();
    return {
      viewer,
      texts: textsFor(texts, { ...viewer, minGroup: config.minGroup }),
      rosettaDomain: config.rosettaDomain,
      rollUpZone: rollUpZone(prisma),
    };
  };
  const createContext = ({ requestId, session, hangUp = () => {} }: Scope): GatewayContext => {
    if (!session) throw new GatewayError('UNAUTHENTICATED');
    const open = openDatabase();
    const { viewer } = session;
    const prisma = clientFor(open.prisma, { ...viewer, minGroup: config.minGroup });
    return {
      ...createCompiledContext(session),
      requestId,
      watch: session.watch,
      prisma,
      loaders: createLoaders(prisma),
      feed: feed(open),
      hangUp,
      ingest: config.ingest
        ? async (entities, atomic) => {
            const outcomes = await importEntities(open, entities, atomic, viewer.campaigns);
            countEntities(metrics, entities, outcomes);
            return outcomes;
          }
        : undefined,
    };
  };

  const answered = new WeakSet<DocumentNode>();
  const onQuery: CompiledOptions['onQuery'] = (left, document) => {
    metrics.queryAnswered(left?.reason ?? 'compiled');
    if (!left) answered.add(document);
    const about = currentRequest()?.about;
    if (left && about) about.resolved = wordsOf(left);
  };
  const mask = createErrorMask(translate, config.surface.suggestions);
  const caches = createDocumentCaches();
  const yoga = createYoga<RequestScope, GatewayContext>({
    schema,
    context: createContext,
    graphqlEndpoint: GRAPHQL_PATH,
    maskedErrors: { maskError: mask },
    // Our own log has a line for every request and the reason of every masked error.
    logging: false,
    // Yoga's default answers any origin, with credentials.
    cors: false,
    multipart: false,
    landingPage: false,
    // The handler has read the body, within its bounds.
    maxRequestBodySize: false,
    // The handler has a page of its own.
    graphiql: false,
    extraParamNames: [...ID_PARAMETERS],
    parserAndValidationCache: caches,
    plugins: [
      usePersistedOperations((params) => find(params)),
      useLimits(config.limits),
      useSchemaWords(config.surface),
      useReservedNames(),
      useIncremental(mask),
      useRights(),
      useHiddenPeople(),
      useSubscriptions(),
      config.compiled && useCompiled({ onQuery }),
      useIdempotency(keys),
      useOperationRecord(),
      useCost(config.limits.cost),
      useBudget(),
      useErrorLog(log),
      ...(config.tracing ? [useOperationTrace(() => currentRequest()?.trace, mask)] : []),
    ],
  });

  /** What is wrong with a document, by the rules for all. */
  const check = (text: string): readonly GraphQLError[] => {
    const enveloped = yoga.getEnveloped({} as RequestScope) as Enveloped;
    try {
      return enveloped.validate(enveloped.schema, enveloped.parse(text));
    } catch (error) {
      return [mask(error)];
    }
  };
  const { manifest, persistedOnly } = config.operations;
  const operations =
    manifest === undefined ? new Map<string, string>() : readManifest(manifest, check);
  const find: FindOperation = createFinder({ operations, only: persistedOnly });

  const subscribe: Subscribe = async (params, scope) => {
    const { operationName, variables } = params;
    const { requestId, access } = scope;
    const note = (errors: readonly GraphQLError[] = []) => {
      noteErrors(access, errors);
      logReasons(errors, requestId, log);
      // There is no HTTP answer to have a status.
      for (const { extensions } of errors) delete extensions.http;
    };
    try {
      const enveloped = yoga.getEnveloped(scope) as Enveloped;
      const { schema } = enveloped;
      const document = enveloped.parse(find(params) ?? params.query);
      const invalid = enveloped.validate(schema, document);
      if (invalid.length > 0) throw new AggregateError(invalid);
      const operation = getOperationAST(document, operationName);
      if (operation?.operation !== OperationTypeNode.SUBSCRIPTION) {
        throw new GatewayError(
          'BAD_USER_INPUT',
          operation
            ? 'Only subscriptions are taken here: send queries and mutations by HTTP.'
            : 'There is no operation of that name, or there are several and no name.',
        );
      }
      const results = await enveloped.subscribe({
        schema,
        document,
        operationName,
        variableValues: variables,
        contextValue: await enveloped.contextFactory(),
      });
      if (!isAsyncIterable(results)) throw new AggregateError(results.errors!);
      const noted = mapAsyncIterator(results, (result) => {
        note(result.errors);
        return result;
      });
      return { schema, document, results: noted };
    } catch (error) {
      const thrown: unknown[] = error instanceof AggregateError ? error.errors : [error];
      const errors = thrown.map(mask);
      note(errors);
      return { errors };
    }
  };

  return {
    yoga,
    direct: createDirect({
      schema,
      documents: caches.documentCache,
      answered,
      find,
      maxCost: config.limits.cost,
      createContext: createCompiledContext,
      onQuery,
    }),
    subscribe,
    execute: createDocuments({
      schema,
      timeZone: config.timeZone,
      compiled: config.compiled,
      maxCost: config.limits.cost,
      createContext: createCompiledContext,
      onQuery,
      async execute(args, scope) {
        const { execute, contextFactory } = yoga.getEnveloped(scope) as Enveloped;
        return execute({ ...args, contextValue: await contextFactory() });
      },
      refuse(thrown, requestId) {
        const errors = thrown.map(mask);
        logReasons(errors, requestId, log);
        return { errorCode: errors[0]!.extensions.code as ErrorCode };
      },
    }),
  };
}
