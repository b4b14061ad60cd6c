import { getNamedType, isInputObjectType, type GraphQLInputObjectType } from 'graphql';

// All in tenths of what it takes to go through the rows once.

/** What it takes to hold each of them against one condition more, as far as that is about their own columns. */
const CONDITION = 1;
/** Of a text that is searched in each of them, for every so many characters of it. */
const SEARCH = 10;
const SEARCHED_CHARACTERS = 250;
/** Of going through the rows that they hang together with, which are joined. */
const JOIN = 10;
/** How much more that is where they are looked up for each row instead, since that decides nothing alone: in `or`, and in `not`. */
const LOOK_UPS = 10;

/** What is dearer is not told apart. */
const MAX_TENTHS = 1e9;
/** Fields refuse what is deeper, or a longer list. */
const MAX_LEVELS = 20;
const MAX_ALTERNATIVES = 1000;

/** What rows are found by, their own or those that they belong to. */
const IDS: ReadonlySet<string> = new Set([
  'campaignId',
  'annotationRequestId',
  'poolId',
  'taskId',
  'recordId',
]);

/** What it takes to find out which rows a filter leaves. */
export interface FilterWork {
  /** What it takes beside going through the rows, in tenths of that. */
  readonly tenths: number;
  /** How many ids they are found by; without end where they are not. */
  readonly ids: number;
}

const NO_WORK: FilterWork = { tenths: 0, ids: Infinity };

const and = (one: FilterWork, other: FilterWork): FilterWork => ({
  tenths: Math.min(one.tenths + other.tenths, MAX_TENTHS),
  ids: Math.min(one.ids, other.ids),
});

const listOf = (value: unknown): unknown[] =>
  Array.isArray(value) ? value.slice(0, MAX_ALTERNATIVES) : [value];

function weighOperator(operator: string, value: unknown): number {
  if (operator !== 'contains') return CONDITION;
  const characters = typeof value === 'string' ? value.length : 0;
  return SEARCH * (1 + Math.floor(characters / SEARCHED_CHARACTERS));
}

/** Of conditions on one column. */
function weighColumn(name: string, operators: object): FilterWork {
  const given = Object.entries(operators).filter(
    ([, value]) => value !== undefined && value !== null,
  );
  const tenths = given.map(([operator, value]) => weighOperator(operator, value));
  const ids = given
    .filter(([operator]) => IDS.has(name) && (operator === 'eq' || operator === 'in'))
    .map(([, value]) => (Array.isArray(value) ? value.length : 1));
  return { tenths: tenths.reduce((sum, one) => sum + one, 0), ids: Math.min(Infinity, ...ids) };
}

/**
 * Weighs a filter, which may be as wrong as callers like.
 * @param decides whether a row that does not fulfil it is out.
 */
export function weighFilter(
  filter: unknown,
  type: GraphQLInputObjectType,
  decides = true,
  level = 0,
): FilterWork {
  if (typeof filter !== 'object' || filter === null || level > MAX_LEVELS) return NO_WORK;
  const fields = type.getFields();
  const weighPart = (name: string, value: unknown): FilterWork => {
    const part = getNamedType(fields[name]?.type);
    if (typeof value !== 'object' || value === null || !isInputObjectType(part)) return NO_WORK;
    const isAll = name === 'and';
    if (isAll || name === 'or' || name === 'not') {
      const work = listOf(value)
        .map((one) => weighFilter(one, part, decides && isAll, level + 1))
        .reduce(and, NO_WORK);
      return decides && isAll ? work : { ...work, ids: Infinity };
    }
    if (!('and' in part.getFields())) return weighColumn(name, value);
    const { tenths, ids } = weighFilter(value, part, decides, level + 1);
    return { tenths: (decides ? 1 : LOOK_UPS) * (JOIN + tenths), ids };
  };
  return Object.entries(filter)
    .map(([name, value]) => weighPart(name, value))
    .reduce(and, NO_WORK);
}
