import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DocumentNode, GraphQLSchema } from 'graphql';
import { LRUCache } from 'lru-cache';
import { prepareQuery, type CompiledContext } from '../compiled/answer.ts';
import type { Left } from '../compiled/left.ts';
import { writeAnswer } from '../compiled/plugin.ts';
import type { Session } from '../domain/session.ts';
import type { Standing } from '../domain/budget/budgets.ts';
import { noteOperation } from '../plugins/operation-record.ts';
import {
  ID_PARAMETERS,
  type FindOperation,
  type OperationParams,
} from '../plugins/persisted-operations.ts';
import { tellHeader } from '../rest/rest.ts';
import { attempt, ready, type Prepared } from './attempt.ts';
import type { RequestScope } from './graphql.ts';

/** How many different ways of asking for a media type are remembered, and how long one may be. */
const MAX_ACCEPTS = 100;
const MAX_ACCEPT_LENGTH = 500;

const PARAMETERS: ReadonlySet<string> = new Set([
  'query',
  'operationName',
  'variables',
  'extensions',
  ...ID_PARAMETERS,
]);

interface Params extends OperationParams {
  readonly query?: string;
  readonly operationName?: string;
  readonly variables?: Readonly<Record<string, unknown>>;
}

const isObject = (value: unknown) =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** @returns undefined where there is something to say about what was sent. */
function readParams(body: string): Params | undefined {
  let params: Params;
  try {
    params = JSON.parse(body) as Params;
  } catch {
    return undefined;
  }
  if (!isObject(params) || Object.keys(params).some((name) => !PARAMETERS.has(name))) {
    return undefined;
  }
  const { query = '', operationName = '', variables = {}, extensions = {} } = params;
  const isRight =
    typeof query === 'string' &&
    typeof operationName === 'string' &&
    [variables, extensions].every(isObject);
  return isRight ? params : undefined;
}

/** The JSON of what an answer says beside its data. */
function writeExtensions(
  requested: number,
  maximum: number,
  standing: Standing | undefined,
): string {
  const cost = `"cost":{"requested":${requested},"maximum":${maximum}}`;
  if (!standing) return `{${cost}}`;
  const { limit, remaining, resetSeconds } = standing;
  return `{${cost},"rateLimit":{"limit":${limit},"remaining":${remaining},"resetSeconds":${resetSeconds}}}`;
}

export interface DirectOptions {
  readonly schema: GraphQLSchema;
  /** The documents that are kept, by their texts. */
  readonly documents: { get(text: string): DocumentNode | undefined };
  /** Those of them that are valid, and of which a query was answered by a statement. */
  readonly answered: WeakSet<DocumentNode>;
  readonly find: FindOperation;
  /** Points that an operation may cost. */
  readonly maxCost: number;
  /** @throws where the database cannot be asked yet. */
  readonly createContext: (session: Session) => CompiledContext;
  /** Told of each query that is answered here. */
  readonly onQuery: (left: Left | undefined, document: DocumentNode) => void;
}

/**
 * Answers queries like those that Yoga has answered before: of a document that it has found valid, by a statement, in a
 * media type that it has chosen for others who accept the same. All else, errors among it, is for Yoga, which is right about
 * everything and takes several times as long for what is around an answer.
 */
export function createDirect(options: DirectOptions) {
  const { schema, documents, answered, find, maxCost, createContext, onQuery } = options;
  /** The content types of answers, by what their callers accept. */
  const types = new LRUCache<string, string>({ max: MAX_ACCEPTS });

  const prepare = ({ session, body }: RequestScope): Prepared<string> | undefined => {
    // What is hidden from somebody is looked for in every operation of his.
    if (!session || body === undefined || session.viewer.people === 'hidden') return undefined;
    const params = readParams(body);
    const text = params && (find(params) ?? params.query);
    const document = text === undefined ? undefined : documents.get(text);
    if (!document || !answered.has(document)) return undefined;
    const { operationName, variables: variableValues } = params!;
    const args = { schema, document, operationName, variableValues };
    return ready(args, { viewer: session.viewer, maxCost }, () =>
      prepareQuery(args, createContext(session)),
    );
  };

  /** What is wrong with a request is said by Yoga, and thrown here without a trace. */
  const tryPrepare = (scope: RequestScope) => {
    try {
      return prepare(scope);
    } catch {
      return undefined;
    }
  };

  return {
    /** Learns from an answer of Yoga's in which media type others are to be given that accept the same. */
    learn({ headers: { accept = '' } }: IncomingMessage, res: ServerResponse): void {
      const type = res.getHeader('content-type');
      // Whatever comes in one part comes in the same one.
      const isWhole = typeof type === 'string' && /^application\/[^;]*json\b/.test(type);
      if (isWhole && accept.length <= MAX_ACCEPT_LENGTH) types.set(accept, type);
    },

    /** @returns what is to be given to Yoga, where it has not been answered. */
    async answer(
      req: IncomingMessage,
      res: ServerResponse,
      scope: RequestScope,
    ): Promise<RequestScope | undefined> {
      const type = types.get(req.headers.accept ?? '');
      const prepared = type === undefined ? undefined : tryPrepare(scope);
      if (!prepared) return scope;
      const { document, operation, points } = prepared;
      const { access, account } = scope;
      noteOperation(access, operation);
      access.cost = points;
      const attempted = await attempt(prepared, account);
      if ('left' in attempted) return { ...scope, ...attempted.left };
      onQuery(undefined, document);
      const body = writeAnswer(
        attempted.answer,
        writeExtensions(points, maxCost, attempted.rateLimit),
      );
      res.statusCode = 200;
      tellHeader(res, 'Content-Type', type!);
      tellHeader(res, 'Content-Length', Buffer.byteLength(body));
      res.end(body);
      return undefined;
    },
  };
}
