import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';
import {
  ERROR_CODES,
  GatewayError,
  RequestOverError,
  RETRY_AFTER_SECONDS,
  type ErrorCode,
} from '../domain/errors.ts';
import { onErrors } from './incremental.ts';
import { withoutSchema } from './schema-words.ts';

/** Finds what an error of the layers below means to a caller; undefined if it was not foreseen. */
export type Translate = (error: unknown) => ErrorCode | undefined;

/** The errors that are as callers see them: an error passes here once for every layer that reports it. */
const told = new WeakSet<GraphQLError>();

/** What to log behind an error that the caller is not told the reason of. */
const reasons = new WeakMap<GraphQLError, unknown>();

/** The HTTP status of a GraphQL answer that has this error; REST has its own. */
function httpOf(code: ErrorCode, error: GraphQLError) {
  if (code === 'SERVICE_UNAVAILABLE') {
    return { http: { status: 503, headers: { 'Retry-After': String(RETRY_AFTER_SECONDS) } } };
  }
  // An error without a path has left no data.
  return code === 'INTERNAL_SERVER_ERROR' && !error.path ? { http: { status: 500 } } : {};
}

/**
 * The executor reports a caller's faults as errors of its own: those in syntax, validation and variables before there is
 * a path, and arguments whose variables turn out null at a place in the document. An error of its own that comes out of
 * a field without such a place is a fault of ours: a value that the field's type cannot show.
 */
function isCallersFault(error: GraphQLError): boolean {
  if (error.path === undefined) return true;
  const original = error.originalError;
  return original instanceof GraphQLError && (original.nodes?.length ?? 0) > 0;
}

/** GraphQL's own codes; whatever else the libraries name is the caller's input to us. */
const LIBRARY_CODES: ReadonlySet<unknown> = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
]);

/** A caller's fault as the caller is told: one of our codes, and nothing of what a library adds. */
function tellFault(error: GraphQLError, showsSchema: boolean): GraphQLError {
  const { code } = error.extensions;
  const said = error.extensions.http;
  // Yoga's word for a request that is no GraphQL request at all, or comes by the wrong method.
  const http = code === 'BAD_REQUEST' && said?.status !== 405 ? { status: 400 } : said;
  return new GraphQLError(showsSchema ? error.message : withoutSchema(error), {
    nodes: error.nodes,
    source: error.source,
    positions: error.positions,
    path: error.path,
    extensions: {
      code: LIBRARY_CODES.has(code) ? code : 'BAD_USER_INPUT',
      ...(http !== undefined && { http }),
    },
  });
}

/** Parser, validation and Prisma recurse into an operation, and say so in their own ways when it is too deep. */
function isTooDeep(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error instanceof RangeError
      ? error.message.includes('call stack')
      : error.message.includes('recursion limit exceeded'))
  );
}

/**
 * Makes of any error what a caller sees: a code of the table and a sentence to act on. Whatever was not foreseen is
 * masked, whatever NODE_ENV says, and its reason is kept for `logReasons`.
 * @param showsSchema whether GraphQL's own messages are told, which name what the caller has not named.
 */
export function createErrorMask(translate: Translate, showsSchema: boolean) {
  const tell = (thrown: unknown): GraphQLError => {
    const error =
      thrown instanceof GraphQLError
        ? thrown
        : new GraphQLError(thrown instanceof GatewayError ? thrown.message : '', {
            originalError: thrown instanceof Error ? thrown : null,
          });
    const original = error.originalError;
    if (original instanceof GatewayError) return error;
    if (thrown instanceof GraphQLError && isCallersFault(error))
      return tellFault(error, showsSchema);
    if (isTooDeep(original ?? thrown)) {
      return new GraphQLError('The operation is nested too deeply.', {
        path: error.path,
        extensions: { code: 'BAD_USER_INPUT', ...(error.path ? {} : { http: { status: 400 } }) },
      });
    }
    const code = translate(original ?? thrown) ?? 'INTERNAL_SERVER_ERROR';
    // A new error: the old one would carry its cause along.
    const masked = new GraphQLError(ERROR_CODES[code], {
      nodes: error.nodes,
      source: error.source,
      positions: error.positions,
      path: error.path,
      extensions: { code, ...httpOf(code, error) },
    });
    reasons.set(masked, original ?? thrown);
    return masked;
  };

  return (thrown: unknown): GraphQLError => {
    if (thrown instanceof GraphQLError && told.has(thrown)) return thrown;
    const error = tell(thrown);
    told.add(error);
    return error;
  };
}

/**
 * Logs what callers are not told, each reason once, under the request's id. That a caller has hung up, the line of the
 * request says.
 */
export function logReasons(errors: readonly GraphQLError[], requestId: string, log: Logger): void {
  const logged = new Set<unknown>();
  for (const error of errors) {
    const reason = reasons.get(error);
    if (reason === undefined || logged.has(reason)) continue;
    reasons.delete(error);
    logged.add(reason);
    if (reason instanceof RequestOverError && !reason.isAwaited) continue;
    const level = error.extensions.code === 'INTERNAL_SERVER_ERROR' ? 'error' : 'warn';
    log[level]({ requestId, path: error.path?.join('.'), err: reason }, error.message);
  }
}

/** A Yoga plugin that logs the reasons behind the errors of an answer. */
export function useErrorLog(log: Logger): Plugin<object, { requestId: string }> {
  return {
    onResultProcess(processed) {
      onErrors(processed, (errors) => logReasons(errors, processed.serverContext.requestId, log));
    },
  };
}
