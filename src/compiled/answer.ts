import {
  getOperationAST,
  GraphQLError,
  OperationTypeNode,
  type DocumentNode,
  type ExecutionArgs,
  type GraphQLSchema,
} from 'graphql';
import { classifyDatabaseError } from '../database/errors.ts';
import type { ReadTexts, Statement } from '../database/texts.ts';
import type { Viewer } from '../domain/viewer.ts';
import type { Asked, Given } from './compilation.ts';
import { Left, leftBy } from './left.ts';
import { asksWho } from './pages.ts';
import { objectOf, type PlainForm, type PlainTexts } from './plain.ts';
import { createQuery, type Plan, type Query } from './plan.ts';

/** What of an operation's context a statement needs. */
export interface CompiledContext extends Pick<Given, 'rosettaDomain' | 'rollUpZone'> {
  readonly viewer: Viewer;
  /** Reads what the viewer may see. */
  readonly texts: ReadTexts;
}

/** The queries of the documents that are kept, by their names and forms; null for what is none. */
const queries = new WeakMap<DocumentNode, Map<string, Query | null>>();

function queryOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  plain: PlainForm | undefined,
): Query | null {
  let ofDocument = queries.get(document);
  if (!ofDocument) queries.set(document, (ofDocument = new Map<string, Query | null>()));
  const name = `${operationName ?? ''} ${plain?.timeZone ?? ''}`;
  let query = ofDocument.get(name);
  if (query === undefined) {
    const operation = getOperationAST(document, operationName);
    // Where there is none of the name, the executor has something to say.
    const isQuery = operation?.operation === OperationTypeNode.QUERY;
    query = isQuery ? createQuery(schema, document, operation, plain) : null;
    if (operation) ofDocument.set(name, query);
  }
  return query;
}

/** Reads what is asked at each list, which must be something that the viewer may ask. */
function askedOf({ questions }: Plan, given: Given, { people }: Viewer): Asked {
  const asked = {
    ...given,
    questions: questions.map((read) => {
      try {
        return read(given);
      } catch (error) {
        throw leftBy(error);
      }
    }),
  };
  if (people === 'hidden' && asked.questions.some(asksWho)) throw new Left('people', 'a list');
  return asked;
}

/** @throws Left where what is asked cannot be put into the statement. */
function fill(statement: NonNullable<Plan['statement']>, asked: Asked): Statement {
  try {
    return statement(asked);
  } catch (error) {
    throw leftBy(error);
  }
}

async function textsOf(
  statement: Statement,
  { fields }: Plan,
  read: ReadTexts,
): Promise<readonly (string | null)[]> {
  try {
    return await read(statement);
  } catch (error) {
    // Who cannot be reached now is not to be asked again at once.
    if (classifyDatabaseError(error) === 'unavailable') {
      throw new GraphQLError('', { path: [fields[0]!.key], originalError: error as Error });
    }
    throw new Left('statement', String(error));
  }
}

/** What of an operation's arguments says how it is answered. */
type Operation = Pick<ExecutionArgs, 'schema' | 'document' | 'operationName' | 'variableValues'>;

/** Makes ready what gives the members of an answer, each with its JSON. */
function prepareMembers(
  { schema, document, operationName, variableValues }: Operation,
  { viewer, rosettaDomain, rollUpZone, texts }: CompiledContext,
  plain?: PlainForm,
): (() => Promise<(readonly [key: string, text: string])[]>) | undefined {
  const query = queryOf(schema, document, operationName, plain);
  if (!query) return undefined;
  const { plan, variables } = query.planFor(variableValues ?? {});
  const asked = askedOf(plan, { variables, rosettaDomain, rollUpZone }, viewer);
  const statement = plan.statement && fill(plan.statement, asked);
  return async () => {
    const found = statement ? await textsOf(statement, plan, texts) : [];
    let next = 0;
    return plan.fields.map(({ key, always, mustExist }) => {
      const text = always ?? found[next++] ?? null;
      if (text === null && mustExist) throw new Left('missing', key);
      return [key, text ?? 'null'];
    });
  };
}

/**
 * Makes ready what answers a query by one statement; nothing is sent yet.
 * @returns what gives the JSON of the answer's data, and throws Left where the resolvers are to answer it after all, or
 * GraphQLError where the database cannot be asked now; undefined for an operation that is no query.
 * @throws Left where the operation is one for the resolvers.
 */
export function prepareQuery(
  operation: Operation,
  context: CompiledContext,
): (() => Promise<string>) | undefined {
  const run = prepareMembers(operation, context);
  return run && (async () => objectOf(await run()));
}

/** Does the same for an answer in the plain form. */
export function preparePlain(
  operation: Operation,
  context: CompiledContext,
  form: PlainForm,
): (() => Promise<PlainTexts>) | undefined {
  const run = prepareMembers(operation, context, form);
  return run && (async () => Object.fromEntries(await run()));
}
