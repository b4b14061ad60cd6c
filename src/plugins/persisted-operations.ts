import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { GatewayError, type ErrorCode } from '../domain/errors.ts';

/** What a caller sends to have an operation executed. */
export interface OperationParams {
  readonly query?: unknown;
  readonly extensions?: unknown;
  /** The id of an operation that is known, by the names that clients have for it. */
  readonly id?: unknown;
  readonly documentId?: unknown;
  readonly doc_id?: unknown;
}

/** The names under which an id is taken beside GraphQL's own parameters. */
export const ID_PARAMETERS = ['id', 'documentId', 'doc_id'] as const;

export interface PersistedOperations {
  /** The texts of the operations that are known, by their ids. */
  readonly operations: ReadonlyMap<string, string>;
  /** Whether no others are executed. */
  readonly only: boolean;
}

/** Finds the text of the operation that a caller means; undefined where there is nothing to say about it here. */
export type FindOperation = (params: OperationParams) => string | undefined;

function refusal(code: ErrorCode, message: string, http: { status: number; spec?: boolean }) {
  const error = new GatewayError(code, message);
  return new GraphQLError(message, { originalError: error, extensions: { code, http } });
}

const badRequest = (message: string) =>
  refusal('BAD_USER_INPUT', message, { status: 400, spec: true });

/** The id in Apollo's form, or in that of the clients of graphql-ws, which have the bare id in its place. */
function hashOf({ extensions }: OperationParams): string | undefined {
  const { persistedQuery } = (extensions ?? {}) as { persistedQuery?: unknown };
  if (typeof persistedQuery === 'string') return persistedQuery;
  const { sha256Hash } = (persistedQuery ?? {}) as { sha256Hash?: unknown };
  return typeof sha256Hash === 'string' ? sha256Hash : undefined;
}

function idOf(params: OperationParams): string | undefined {
  const ids = ID_PARAMETERS.map((name) => params[name]);
  return ids.find((id) => typeof id === 'string');
}

/** Makes what finds the operation that a caller means, by its text or by its id. */
export function createFinder({ operations, only }: PersistedOperations): FindOperation {
  const texts = new Set(operations.values());
  return (params) => {
    const { query } = params;
    // An empty text is what clients send that must send one and mean an id.
    if (query !== undefined && query !== null && query !== '') {
      if (!only || texts.has(query as string)) return undefined;
      const message =
        'Only operations that the gateway knows are executed here: send the id of one.';
      throw refusal('FORBIDDEN', message, { status: 403 });
    }
    const hash = hashOf(params);
    const id = hash ?? idOf(params);
    if (id === undefined) {
      if (only) throw badRequest(`Send the id of an operation, as "${ID_PARAMETERS[0]}".`);
      return undefined;
    }
    const text = operations.get(id);
    if (text !== undefined) return text;
    if (hash === undefined) throw badRequest('There is no operation of that id here.');
    // Apollo's clients know these words, and send the text.
    throw badRequest(operations.size > 0 ? 'PersistedQueryNotFound' : 'PersistedQueryNotSupported');
  };
}

/** What Yoga does not read of a GET: only GraphQL's own parameters. */
function idsInUrl(url: string): OperationParams {
  const { searchParams } = new URL(url);
  return Object.fromEntries(
    ID_PARAMETERS.map((name) => [name, searchParams.get(name) ?? undefined]),
  );
}

/** A Yoga plugin that puts the text of an operation in the place of its id, and refuses others where that is wanted. */
export function usePersistedOperations(find: FindOperation): Plugin {
  return {
    onParams({ params, request, setParams }) {
      const isBare = request.method === 'GET' && !params.query;
      const text = find(isBare ? { ...params, ...idsInUrl(request.url) } : params);
      if (text !== undefined) setParams({ ...params, query: text });
    },
  };
}
