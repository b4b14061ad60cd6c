import type { DocumentNode, ExecutionArgs, ExecutionResult, GraphQLSchema } from 'graphql';
import { preparePlain, type CompiledContext } from '../compiled/answer.ts';
import { createPlainForm, createPlainWriter, type PlainTexts } from '../compiled/plain.ts';
import { JsonText, type CompiledOptions } from '../compiled/plugin.ts';
import type { Session } from '../domain/session.ts';
import type { Asked, Executable, ExecuteDocument, Executed } from '../rest/rest.ts';
import { attempt, ready, type Attempted } from './attempt.ts';
import type { RequestScope } from './graphql.ts';

export interface DocumentsOptions {
  readonly schema: GraphQLSchema;
  /** The IANA time zone of instants in the plain form. */
  readonly timeZone: string;
  /** Whether statements answer what they can. */
  readonly compiled: boolean;
  /** Points that an operation may cost. */
  readonly maxCost: number;
  /** @throws where the database cannot be asked yet. */
  readonly createContext: (session: Session) => CompiledContext;
  readonly onQuery: CompiledOptions['onQuery'];
  /** Executes an operation as Yoga does, in a context that it makes. May throw. */
  readonly execute: (args: ExecutionArgs, scope: RequestScope) => Promise<ExecutionResult>;
  /** Logs what went wrong, and tells it by its code. */
  readonly refuse: (errors: readonly unknown[], requestId: string) => Executed;
}

/** The data of an answer without errors, whether resolvers or the database have made it. */
function dataOf({ data }: ExecutionResult): Record<string, unknown> {
  return (data instanceof JsonText ? data.toJSON() : data) as Record<string, unknown>;
}

/**
 * Makes what executes documents of our own, which are known to be valid: in the plain form by a statement, and where that is
 * not to be, as Yoga executes those of others.
 */
export function createDocuments(options: DocumentsOptions): ExecuteDocument {
  const { schema, compiled, maxCost, createContext, onQuery, execute, refuse } = options;
  const form = createPlainForm(options.timeZone);
  const writers = new Map<DocumentNode, ReturnType<typeof createPlainWriter>>();

  const writePlainly = (document: DocumentNode, data: Record<string, unknown>): PlainTexts => {
    let write = writers.get(document);
    if (!write) writers.set(document, (write = createPlainWriter(schema, document, form)));
    return write(data);
  };

  /** @returns nothing where the executor is to say what is wrong. */
  const tryDirectly = (
    args: ExecutionArgs,
    { session, account }: Asked,
  ): Promise<Attempted<PlainTexts>> | undefined => {
    let prepared;
    try {
      prepared = ready(args, { viewer: session.viewer, maxCost }, () =>
        preparePlain(args, createContext(session), form),
      );
    } catch {
      return undefined;
    }
    return prepared && attempt(prepared, account);
  };

  return async (executable: Executable, variableValues, asked) => {
    const { document, operationName, isPlain } = executable;
    const args = { schema, document, operationName, variableValues };
    const attempted = isPlain && compiled ? await tryDirectly(args, asked) : undefined;
    if (attempted && 'answer' in attempted) {
      onQuery(undefined, document);
      return { data: attempted.answer };
    }
    try {
      const { requestId, session, account } = asked;
      const scope = { requestId, session, account, access: {}, hangUp() {}, ...attempted?.left };
      const result = await execute(args, scope);
      if (result.errors?.length) return refuse(result.errors, requestId);
      const data = dataOf(result);
      return { data: isPlain ? writePlainly(document, data) : data };
    } catch (error) {
      return refuse([error], asked.requestId);
    }
  };
}
