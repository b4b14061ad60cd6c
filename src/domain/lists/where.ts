import { GatewayError } from '../errors.ts';
import { LISTS, type ListField, type ListName } from './fields.ts';

/** A condition in Prisma's language. */
export type Where = Readonly<Record<string, unknown>>;

/** A filter as GraphQL hands it over: fields by name, `and`, `or`, `not`; null and absent are the same. */
export type Filter = Readonly<Record<string, unknown>>;

/** All of these hold; undefined where there is nothing to hold. */
export function allOf(...conditions: (Where | undefined)[]): Where | undefined {
  const given = conditions.filter((condition) => condition !== undefined);
  return given.length > 1 ? { AND: given } : given[0];
}

/** How deep conditions may be nested, and how many values one may list. */
const MAX_DEPTH = 10;
const MAX_VALUES = 1000;

/**
 * A condition, or what it comes to for every row. Constants are worked out here and never sent: Prisma leaves empty
 * conditions out, wherever they stand.
 */
type Condition = Where | boolean;

/** What Prisma takes for a condition that no row fulfils. */
const MATCHES_NOTHING: Where = { id: { in: [] } };

function all(conditions: readonly Condition[]): Condition {
  if (conditions.includes(false)) return false;
  const parts = conditions.filter((one) => typeof one !== 'boolean');
  return parts.length === 0 ? true : parts.length === 1 ? parts[0]! : { AND: parts };
}

function any(conditions: readonly Condition[]): Condition {
  if (conditions.includes(true)) return true;
  const parts = conditions.filter((one) => typeof one !== 'boolean');
  return parts.length === 0 ? false : parts.length === 1 ? parts[0]! : { OR: parts };
}

/** Rows that have at least one related row of a kind, or none. */
function related(relation: string, condition: Condition, negated: boolean): Condition {
  if (condition === false) return negated;
  const where = condition === true ? {} : condition;
  return { [relation]: { [negated ? 'none' : 'some']: where } };
}

/**
 * A condition on a related row as one on this row's own columns, which spares looking the other up; undefined if they do
 * not repeat all that it is about.
 */
function repeatedHere(
  condition: Where,
  repeated: Readonly<Record<string, string>>,
): Where | undefined {
  const parts = Object.entries(condition).map(([name, value]): Where | undefined => {
    if (name === 'NOT') {
      const inner = repeatedHere(value as Where, repeated);
      return inner && { NOT: inner };
    }
    if (name === 'AND' || name === 'OR') {
      const inner = (value as Where[]).map((one) => repeatedHere(one, repeated));
      return inner.includes(undefined) ? undefined : { [name]: inner };
    }
    const column = repeated[name];
    return column === undefined ? undefined : { [column]: value };
  });
  return parts.includes(undefined) ? undefined : (Object.assign({}, ...parts) as Where);
}

/** The opposite of each comparison, which `not` needs. */
const OPPOSITES: Readonly<Record<string, string>> = { gt: 'lte', gte: 'lt', lt: 'gte', lte: 'gt' };

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function badFilter(path: string, problem: string): never {
  throw new GatewayError('BAD_USER_INPUT', `The filter "${path}" ${problem}.`);
}

function checkValue(value: unknown, path: string): void {
  // PostgreSQL has no NUL in its text, and the driver would turn half a surrogate pair into another character.
  if (typeof value === 'string' && (value.includes('\0') || !value.isWellFormed())) {
    badFilter(path, 'holds a NUL character or half of a surrogate pair');
  }
}

/** LIKE takes %, _ and \ for itself. */
function escapePattern(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&');
}

function condition(field: ListField, operator: string, value: unknown, path: string): Where {
  const { column } = field;
  checkValue(value, path);
  switch (operator) {
    case 'eq':
      return { [column]: { equals: value } };
    case 'in': {
      const values = (value as unknown[]).filter(isGiven);
      if (values.length > MAX_VALUES) badFilter(path, `lists more than ${MAX_VALUES} values`);
      for (const one of values) checkValue(one, path);
      return { [column]: { in: values } };
    }
    case 'startsWith':
      return { [column]: { startsWith: escapePattern(value as string) } };
    case 'contains':
      return { [column]: { contains: escapePattern(value as string), mode: 'insensitive' } };
    case 'isNull':
      return value === true ? { [column]: null } : { [column]: { not: null } };
    default:
      return { [column]: { [operator]: value } };
  }
}

/**
 * One comparison, or what it leaves out. SQL's NOT leaves out null both ways, so that it is put back by hand: a row is
 * on exactly one side of a filter.
 */
function compare(
  field: ListField,
  operator: string,
  value: unknown,
  negated: boolean,
  path: string,
): Condition {
  if (operator === 'in' && !(value as unknown[]).some(isGiven)) return negated;
  if (!negated) return condition(field, operator, value, path);
  if (operator === 'isNull') return condition(field, 'isNull', value !== true, path);
  const opposite = OPPOSITES[operator];
  const where = opposite
    ? condition(field, opposite, value, path)
    : { NOT: condition(field, operator, value, path) };
  return field.nullable ? { OR: [where, { [field.column]: null }] } : where;
}

function build(
  list: ListName,
  filter: Filter,
  negated: boolean,
  depth: number,
  path: string,
): Condition {
  if (depth > MAX_DEPTH) badFilter(path, `is nested deeper than ${MAX_DEPTH} levels`);
  const { fields, relations } = LISTS[list];
  // De Morgan: what does not hold of "all of these" is "one of these does not".
  const [both, either] = negated ? [any, all] : [all, any];
  const parts = Object.entries(filter).map(([name, value]): Condition => {
    if (!isGiven(value)) return !negated;
    const here = path === '' ? name : `${path}.${name}`;
    const nested = (one: unknown, flip = negated) =>
      build(list, one as Filter, flip, depth + 1, here);
    const field = fields[name];
    if (field) {
      const operands = Object.entries(value as Filter).filter(([, operand]) => isGiven(operand));
      return both(
        operands.map(([operator, operand]) =>
          compare(field, operator, operand, negated, `${here}.${operator}`),
        ),
      );
    }
    const relation = relations[name];
    if (relation) {
      const { noun: other, relation: key, many, repeated } = relation;
      const condition = build(other, value as Filter, negated && !many, depth + 1, here);
      if (many) return related(key, condition, negated);
      // Every row has its one.
      if (typeof condition === 'boolean') return condition;
      return repeatedHere(condition, repeated) ?? { [key]: { is: condition } };
    }
    if (name === 'not') return nested(value, !negated);
    const alternatives = (value as unknown[]).filter(isGiven);
    if (alternatives.length > MAX_VALUES) {
      badFilter(here, `lists more than ${MAX_VALUES} conditions`);
    }
    return (name === 'or' ? either : both)(alternatives.map((one) => nested(one)));
  });
  return both(parts);
}

/**
 * Turns a filter into the condition that lists, counts and aggregates all use.
 * @returns undefined where every row fulfils it.
 * @throws GatewayError (BAD_USER_INPUT) for too many or too deep conditions, and for text that no row can have.
 */
export function filterWhere(list: ListName, filter: Filter | null | undefined): Where | undefined {
  const condition = filter ? build(list, filter, false, 1, '') : true;
  if (condition === true) return undefined;
  return condition === false ? MATCHES_NOTHING : condition;
}
