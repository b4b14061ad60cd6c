import type { InputRef } from '@pothos/core';
import { LISTS, type FieldKind, type ListField, type ListName } from '../domain/lists/fields.ts';
import type { OrderArgument } from '../domain/lists/order.ts';
import type { Filter } from '../domain/lists/where.ts';
import type { Noun } from '../domain/nouns.ts';
import { builder } from './builder.ts';
import { CampaignType, constantCase, PoolType, TaskAction, TaskStatus } from './enums.ts';

/** How each kind of value is compared: the name of its input type, the type of its operands, and its operators. */
const KINDS = {
  text: { name: 'Text', type: 'String', operators: ['range', 'pattern'] },
  bigint: { name: 'BigInt', type: 'BigInt', operators: ['range'] },
  int: { name: 'Int', type: 'Int', operators: ['range'] },
  float: { name: 'Float', type: 'Float', operators: ['range'] },
  instant: { name: 'DateTime', type: 'DateTime', operators: ['range'] },
  taskStatus: { name: 'TaskStatus', type: TaskStatus, operators: [] },
  taskAction: { name: 'TaskAction', type: TaskAction, operators: [] },
  poolType: { name: 'PoolType', type: PoolType, operators: [] },
  campaignType: { name: 'CampaignType', type: CampaignType, operators: [] },
} as const satisfies Record<FieldKind, object>;

/** The input type that compares a field, made once for each kind and nullability. */
const comparisons = new Map<string, InputRef<Filter>>();

/** The input type that compares a field. */
export function comparisonOf({ kind, nullable = false }: ListField): InputRef<Filter> {
  const key = `${nullable ? 'Nullable' : ''}${KINDS[kind].name}Filter`;
  let ref = comparisons.get(key);
  if (!ref) comparisons.set(key, (ref = createComparison(key, kind, nullable)));
  return ref;
}

function createComparison(name: string, kind: FieldKind, nullable: boolean): InputRef<Filter> {
  const { type, operators } = KINDS[kind];
  const has = (group: string) => (operators as readonly string[]).includes(group);
  return builder.inputRef<Filter>(name).implement({
    description: `Conditions on a value; all that are given must hold.${nullable ? ' A row without the value fulfils only `isNull: true`.' : ''}`,
    fields: (t) => ({
      eq: t.field({ type: type as 'String', description: 'Equal.' }),
      in: t.field({
        type: [type as 'String'],
        description: 'One of these, at most 1,000; an empty list matches nothing.',
      }),
      ...(has('range') && {
        gt: t.field({
          type: type as 'String',
          description: 'Greater. Text compares by its UTF-8 bytes.',
        }),
        gte: t.field({ type: type as 'String', description: 'Greater or equal.' }),
        lt: t.field({ type: type as 'String', description: 'Less.' }),
        lte: t.field({ type: type as 'String', description: 'Less or equal.' }),
      }),
      ...(has('pattern') && {
        startsWith: t.string({ description: 'Begins with this, letter by letter.' }),
        contains: t.string({ description: 'Contains this, in upper or lower case.' }),
      }),
      ...(nullable && {
        isNull: t.boolean({ description: 'Whether there is no value.' }),
      }),
    }),
  });
}

const filterRef = (noun: Noun) => builder.inputRef<Filter>(`${noun}Filter`);

/** The input types that narrow lists. */
export const FILTERS = {
  Campaign: filterRef('Campaign'),
  AnnotationRequest: filterRef('AnnotationRequest'),
  Pool: filterRef('Pool'),
  Task: filterRef('Task'),
  AnnotationHistory: filterRef('AnnotationHistory'),
};

for (const [name, self] of Object.entries(FILTERS)) {
  const noun = name as Noun;
  const { fields, relations } = LISTS[noun];
  self.implement({
    description: `Which rows of ${noun} a list has: those for which every condition given here holds. Absent and null conditions, and an empty filter, match all.`,
    fields: (t) => ({
      ...Object.fromEntries(
        Object.entries(fields).map(([field, spec]) => [
          field,
          t.field({ type: comparisonOf(spec), description: `By \`${field}\`.` }),
        ]),
      ),
      ...Object.fromEntries(
        Object.entries(relations).map(([relation, { noun: other, many }]) => [
          relation,
          t.field({
            type: FILTERS[other],
            description: many
              ? `Rows that have at least one such ${other}; with \`not\` around it, those that have none.`
              : `Rows whose ${other} is such.`,
          }),
        ]),
      ),
      and: t.field({ type: [self], description: 'All of these hold.' }),
      or: t.field({
        type: [self],
        description: 'At least one of these holds; an empty list matches nothing.',
      }),
      not: t.field({
        type: self,
        description: 'This does not hold. Every row is on one side, those without a value too.',
      }),
    }),
  });
}

const OrderDirection = builder.enumType('OrderDirection', {
  description: 'Which way a list is ordered.',
  values: {
    ASC: { value: 'asc', description: 'From the least to the greatest.' },
    DESC: { value: 'desc', description: 'From the greatest to the least.' },
  } as const,
});

const NullsOrder = builder.enumType('NullsOrder', {
  description: 'Where rows without a value go.',
  values: {
    FIRST: { value: 'first', description: 'Before all others.' },
    LAST: { value: 'last', description: 'After all others.' },
  } as const,
});

/** The input type of one key of a list's order. */
export function orderRef(list: ListName, names: readonly string[]) {
  const field = builder.enumType(`${list}OrderField`, {
    description: `What a list of ${list} can be ordered by.`,
    values: Object.fromEntries(
      names.map((name) => [constantCase(name), { value: name, description: `By \`${name}\`.` }]),
    ),
  });
  return builder.inputRef<OrderArgument>(`${list}Order`).implement({
    description: 'One key of an order.',
    fields: (t) => ({
      field: t.field({ type: field, required: true, description: 'What to order by.' }),
      direction: t.field({ type: OrderDirection, description: 'Ascending unless told.' }),
      nulls: t.field({
        type: NullsOrder,
        description: 'Where rows without a value go, whichever the direction: last unless told.',
      }),
    }),
  });
}

function nounOrderRef(noun: Noun) {
  // The code says more than the name: it has an order of its own.
  const names = Object.keys(LISTS[noun].fields).filter(
    (name) => !['status', 'action', 'type'].includes(name),
  );
  return orderRef(noun, names);
}

const ORDERS = {
  Campaign: nounOrderRef('Campaign'),
  AnnotationRequest: nounOrderRef('AnnotationRequest'),
  Pool: nounOrderRef('Pool'),
  Task: nounOrderRef('Task'),
  AnnotationHistory: nounOrderRef('AnnotationHistory'),
};

/** The arguments of every list of a noun. */
export function listArguments(noun: Noun) {
  return builder.args((t) => ({
    filter: t.field({ type: FILTERS[noun], description: 'Only rows like this.' }),
    orderBy: t.field({
      type: [ORDERS[noun]],
      description:
        "The keys to order by, at most 5, the first of most weight; rows equal in all of them by Rosetta's own id, as is a list without this.",
    }),
    ...t.connectionArgs(),
  }));
}
