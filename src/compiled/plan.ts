import {
  getVariableValues,
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { Prisma } from '../database/generated/client/client.ts';
import { sourceOf, type Source } from '../database/sources.ts';
import type { Statement } from '../database/texts.ts';
import { columnOf } from '../database/where.ts';
import { isNumericId, isTextId } from '../domain/ids.ts';
import {
  Compilation,
  filling,
  hole,
  joinsOf,
  objectTypeOf,
  tableOf,
  type Asked,
  type Field,
  type Given,
} from './compilation.ts';
import { numberedPage, rowConnection } from './connections.ts';
import { concat, object } from './json.ts';
import { Left, leftBy } from './left.ts';
import type { PlainForm } from './plain.ts';
import { rowObject } from './rows.ts';
import { conditionsOf, fragmentsOf, select, type Selected } from './selection.ts';
import { workload } from './workload.ts';

/** A field at the root of an answer: what stands there always, or the next text that the statement gives. */
interface RootField {
  readonly key: string;
  readonly always?: string;
  /** Whether there is no answer without it. */
  readonly mustExist: boolean;
}

/** How an operation is answered. */
export interface Plan {
  readonly fields: readonly RootField[];
  /** Gives a text for each field that does not stand there always; undefined where all do. */
  readonly statement: ((asked: Asked) => Statement) | undefined;
  /** What is asked at each list. */
  readonly questions: Compilation['questions'];
}

/** Works something out of variables, once for all who ask for that of the same. */
function onceFor<T>(workOut: (variables: Given['variables']) => T): typeof workOut {
  let last: { readonly variables: Given['variables']; readonly result: T } | undefined;
  return (variables) => {
    if (last?.variables !== variables) last = { variables, result: workOut(variables) };
    return last.result;
  };
}

/** A row that arguments name; null where there is none. */
function rowByKey(
  compilation: Compilation,
  { noun, key }: Extract<Source, { from: 'key' }>,
  field: Field,
  selected: Selected,
): Prisma.Sql {
  const row = compilation.row(noun);
  const pieces = rowObject(compilation, objectTypeOf(field), selected, row);
  const worked = compilation.arguments(field, selected, (args) =>
    Object.values(key).map((argument) => {
      const id = args[argument] as string | bigint;
      // No row can have another kind of id, and the driver would mistake some of those for ids that exist.
      const isId = typeof id === 'bigint' ? isNumericId(id) : isTextId(id);
      return isId ? id : null;
    }),
  );
  const ids = 'fixed' in worked ? () => worked.fixed : onceFor(worked.from);
  const conditions = Object.keys(key).map((column, n) => {
    const id = hole(({ variables }) => ids(variables)[n]);
    return Prisma.sql`${Prisma.raw(columnOf(column))} = ${id}`;
  });
  return Prisma.sql`(SELECT ${concat(pieces)}
    FROM (SELECT * FROM ${tableOf(noun)} WHERE ${Prisma.join(conditions, ' AND ')} LIMIT 1) AS ${Prisma.raw(row.alias)} ${joinsOf(row)})`;
}

/** What a field at the root comes to: in the plain form, the parts of a page are by themselves. */
function rootValues(
  compilation: Compilation,
  field: Field,
  selected: Selected,
): (readonly [key: string, value: Prisma.Sql])[] {
  const { key, name } = selected;
  const { plain } = compilation;
  const source = sourceOf(field.extensions);
  switch (source?.from) {
    case 'key':
      return [[key, rowByKey(compilation, source, field, selected)]];
    case 'page': {
      const parts = numberedPage(compilation, source, field, selected, rowObject);
      return plain
        ? parts.map(([part, pieces]) => [part, concat(pieces)])
        : [[key, concat(object(parts))]];
    }
    case 'list':
    case 'requests':
      if (plain) throw new Left('field', `Query.${name}`);
      return [[key, rowConnection(compilation, source, field, selected, rowObject)]];
    case 'workload':
      if (plain) throw new Left('field', `Query.${name}`);
      return [[key, workload(compilation, source.scope, field, selected, rowObject)]];
    case 'parts':
    case 'progress':
    case 'delivery':
    case undefined:
      throw new Left('field', `Query.${name}`);
  }
}

function planOf(compilation: Compilation, selectionSet: SelectionSetNode): Plan {
  const { selecting, questions } = compilation;
  const type = selecting.schema.getQueryType()!;
  const columns: Prisma.Sql[] = [];
  const fields = select(selecting, type, [selectionSet]).flatMap((selected): RootField[] => {
    const { key, name } = selected;
    if (name === '__typename') return [{ key, always: `"${type.name}"`, mustExist: false }];
    const field = compilation.field(type, name);
    const source = sourceOf(field.extensions);
    const mustExist = source?.from === 'key' && source.mustExist === true;
    return rootValues(compilation, field, selected).map(([key, value]) => {
      columns.push(value);
      return { key, mustExist };
    });
  });
  const statement = columns.length > 0 ? Prisma.sql`SELECT ${Prisma.join(columns)}` : undefined;
  return { fields, statement: statement && filling(statement), questions };
}

/** How many plans an operation has: one for each way in which variables leave fields out and put them in. */
const MAX_VARIANTS = 32;

/** A query, to be answered by a statement. */
export interface Query {
  /** @throws Left where the operation is one for the resolvers, with these variables. */
  planFor(variables: Readonly<Record<string, unknown>>): {
    plan: Plan;
    /** As GraphQL takes them: each of its type, defaults in the place of those that are not given. */
    variables: Given['variables'];
  };
}

const NO_VARIABLES: Given['variables'] = {};

/**
 * @param operation a query of the document, which is valid.
 * @param plain the form of its answer, where that is not GraphQL's own.
 */
export function createQuery(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  plain?: PlainForm,
): Query {
  const fragments = fragmentsOf(document);
  const { selectionSet, variableDefinitions = [] } = operation;
  const names = conditionsOf(document, operation);
  const variants = new Map<string, Plan | Left>();

  const read = (given: Readonly<Record<string, unknown>>) => {
    if (variableDefinitions.length === 0) return NO_VARIABLES;
    const { coerced, errors } = getVariableValues(schema, variableDefinitions, given);
    if (errors) throw new Left('argument', errors[0]!.message);
    return coerced;
  };
  const make = (conditions: Given['variables']): Plan | Left => {
    try {
      return planOf(new Compilation({ schema, fragments, conditions }, plain), selectionSet);
    } catch (error) {
      return leftBy(error);
    }
  };

  return {
    planFor(given) {
      const variables = read(given);
      const variant = names.map((name) => String(variables[name])).join();
      let plan = variants.get(variant);
      if (!plan) {
        if (variants.size >= MAX_VARIANTS) throw new Left('variants', names.join());
        variants.set(variant, (plan = make(variables)));
      }
      if (plan instanceof Left) throw plan;
      return { plan, variables };
    },
  };
}
