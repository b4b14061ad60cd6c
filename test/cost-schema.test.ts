import {
  getNamedType,
  getNullableType,
  isAbstractType,
  isInputObjectType,
  isIntrospectionType,
  isListType,
  isObjectType,
  type GraphQLArgument,
  type GraphQLObjectType,
  type GraphQLOutputType,
} from 'graphql';
import { expect, it } from 'vitest';
import type { FieldCost } from '../src/cost/declare.ts';
import { schema } from '../src/schema/index.ts';

interface Field {
  /** With its type in front. */
  readonly name: string;
  readonly type: GraphQLOutputType;
  readonly description: string;
  readonly cost: FieldCost;
  readonly args: readonly GraphQLArgument[];
}

const fieldsOf = (type: GraphQLObjectType): Field[] =>
  Object.values(type.getFields()).map(
    ({ name, type: fieldType, description, extensions, args }) => ({
      name: `${type.name}.${name}`,
      type: fieldType,
      description: description!,
      cost: extensions.cost ?? {},
      args,
    }),
  );

/** What a field can lead to. */
function typesOf({ type }: Field): readonly GraphQLObjectType[] {
  const named = getNamedType(type);
  if (isAbstractType(named)) return schema.getPossibleTypes(named);
  return isObjectType(named) ? [named] : [];
}

const node = schema.getType('Node');
const rows = isAbstractType(node) ? schema.getPossibleTypes(node) : [];
const fields = Object.values(schema.getTypeMap()).flatMap((type) =>
  isObjectType(type) && !isIntrospectionType(type) ? fieldsOf(type) : [],
);
const namesOf = (found: readonly Field[]) => found.map(({ name }) => name);
const isSilent = ({ cost }: Field) => Object.keys(cost).length === 0;

/** Whether anything that can be asked of a type, at any depth, costs something. */
function canCost(type: GraphQLObjectType, seen = new Set<GraphQLObjectType>()): boolean {
  if (rows.includes(type)) return true;
  if (seen.has(type)) return false;
  seen.add(type);
  return fieldsOf(type).some(
    (field) => !isSilent(field) || typesOf(field).some((one) => canCost(one, seen)),
  );
}

/** Objects that are there once their parents are: to show them takes nothing that has not been paid for. */
const THERE_ALREADY = [
  'PoolTypeTime.total',
  'PoolTypeTime.working',
  'PoolTypeTime.waiting',
  'DayThroughput.day',
  'DayCount.day',
  'Progress.byStatus',
  'Progress.byPoolType',
  'Delivery.all',
  'Delivery.completed',
  'Workload.time',
  'OperatorRank.workload',
  'WorkingTime.time',
  'WorkingTime.excluded',
  'IngestResult.error',
  // An event costs what a subscription costs that does nothing else.
  'Subscription.taskChanged',
  'Subscription.historyAppended',
];
const ALWAYS_THERE =
  /^\w+(Connection\.pageInfo|Group\.aggregate|Aggregate\.(sum|average|min|max))$/;

it('every field that leads to an object other than a row says what it costs', () => {
  const silent = fields.filter(
    (field) =>
      isSilent(field) &&
      typesOf(field).some((type) => !rows.includes(type)) &&
      !ALWAYS_THERE.test(field.name),
  );
  expect(namesOf(silent)).toEqual(THERE_ALREADY);
});

it('every field that may fail by what it takes says what it costs', () => {
  const silent = fields.filter(
    (field) => field.description.includes('the rest of the answer stands') && isSilent(field),
  );
  // These are rows, which cost 1 each.
  expect(namesOf(silent)).toEqual(['Move.from', 'Move.to']);
});

it('every list says how many items it can have, if anything that can be asked of them costs something', () => {
  const endless = fields.filter(
    (field) =>
      isListType(getNullableType(field.type)) &&
      typesOf(field).some((type) => canCost(type)) &&
      field.cost.items === undefined,
  );
  expect(namesOf(endless)).toEqual([]);
});

it('every field that has rows found by conditions says how many they are', () => {
  const silent = fields.filter(({ args, cost }) => {
    const type = getNamedType(args.find(({ name }) => name === 'filter')?.type);
    return isInputObjectType(type) && 'and' in type.getFields() && !cost.filter;
  });
  // They are held against rows that are there, one by one.
  expect(namesOf(silent)).toEqual(['Subscription.taskChanged', 'Subscription.historyAppended']);
});

it('every field that is a part of a page, or goes through what another is about, is in such a one', () => {
  const lost = new Set<string>();
  const seen = new Set<string>();
  const visit = (type: GraphQLObjectType, isOnPage: boolean, isAboutSomething: boolean) => {
    const place = `${type.name} ${isOnPage} ${isAboutSomething}`;
    if (seen.has(place)) return;
    seen.add(place);
    for (const field of fieldsOf(type)) {
      const { page, items, whole, share } = field.cost;
      if ((items === 'page' && !isOnPage) || (share !== undefined && !isAboutSomething)) {
        lost.add(field.name);
      }
      const isItem = items !== undefined;
      for (const one of typesOf(field)) {
        visit(
          one,
          items === 'own' ? false : page !== undefined || (isOnPage && !isItem),
          whole !== undefined || (isAboutSomething && !isItem),
        );
      }
    }
  };
  for (const root of [
    schema.getQueryType(),
    schema.getMutationType(),
    schema.getSubscriptionType(),
  ]) {
    visit(root!, false, false);
  }
  expect([...lost]).toEqual([]);
});
