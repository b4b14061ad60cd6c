import { CAMPAIGN_TYPES } from '../codes.ts';
import { GatewayError } from '../errors.ts';
import { LISTS, type ListName } from './fields.ts';
import type { Where } from './where.ts';

/** An order as GraphQL hands it over. */
export interface OrderArgument {
  field: string;
  direction?: 'asc' | 'desc' | null | undefined;
  nulls?: 'first' | 'last' | null | undefined;
}

/** One key of an order. */
export interface OrderKey {
  readonly column: string;
  readonly direction: 'asc' | 'desc';
  /** Where rows without a value go; only where there can be such rows. */
  readonly nulls?: 'first' | 'last';
  /** All its values in their order, where they are names: Prisma has no other way to compare those than to list them. */
  readonly names?: readonly string[];
}

const MAX_KEYS = 5;

const BY_ID: readonly OrderKey[] = [{ column: 'id', direction: 'asc' }];

/**
 * Reads an order, ending it with the keys that tell any two rows apart.
 * @param identity those keys: of a noun, the id.
 * @throws GatewayError (BAD_USER_INPUT) for too many keys, or the same twice.
 */
export function readOrder(
  list: ListName,
  order: readonly OrderArgument[] | null | undefined,
  identity: readonly OrderKey[] = BY_ID,
): OrderKey[] {
  const keys: OrderKey[] = [];
  for (const { field: name, direction, nulls } of order ?? []) {
    const field = LISTS[list].fields[name]!;
    if (keys.some(({ column }) => column === field.column)) {
      throw new GatewayError('BAD_USER_INPUT', `The argument "orderBy" has "${name}" twice.`);
    }
    keys.push({
      column: field.column,
      direction: direction ?? 'asc',
      ...(field.nullable && { nulls: nulls ?? 'last' }),
      ...(field.kind === 'campaignType' && { names: CAMPAIGN_TYPES }),
    });
  }
  if (keys.length > MAX_KEYS) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      `The argument "orderBy" has ${keys.length} keys; it may have at most ${MAX_KEYS}.`,
    );
  }
  const has = (some: readonly OrderKey[], { column }: OrderKey) =>
    some.some((key) => key.column === column);
  const all = [...keys, ...identity.filter((key) => !has(keys, key))];
  // What stands behind the last of them never decides.
  return all.filter((_key, index) => !identity.every((key) => has(all.slice(0, index), key)));
}

/** The same order from its end. */
export function reverseOrder(keys: readonly OrderKey[]): OrderKey[] {
  return keys.map(({ direction, nulls, ...key }) => ({
    ...key,
    direction: direction === 'asc' ? 'desc' : 'asc',
    ...(nulls && { nulls: nulls === 'first' ? 'last' : 'first' }),
  }));
}

/** The order in Prisma's language. */
export function orderBy(keys: readonly OrderKey[]): object[] {
  return keys.map(({ column, direction, nulls }) => ({
    [column]: nulls ? { sort: direction, nulls } : direction,
  }));
}

/** A row's place in an order: its value for each key. */
export type Position = readonly (string | number | bigint | Date | null)[];

export function positionOf(
  keys: readonly OrderKey[],
  row: Readonly<Record<string, unknown>>,
): Position {
  return keys.map(({ column }) => row[column] as Position[number]);
}

/** The rows whose value for one key is beyond another, or that very one. */
function beyond(
  { column, direction, names }: OrderKey,
  value: Position[number],
  orThatOne = false,
): Where {
  const isUp = direction === 'asc';
  if (!names) return { [column]: { [`${isUp ? 'gt' : 'lt'}${orThatOne ? 'e' : ''}`]: value } };
  const at = names.indexOf(value as string);
  return {
    [column]: {
      in: isUp ? names.slice(orThatOne ? at : at + 1) : names.slice(0, orThatOne ? at + 1 : at),
    },
  };
}

/** The rows whose value for one key comes after another; undefined if there are none. */
function after(key: OrderKey, value: Position[number]): Where | undefined {
  const { column, nulls } = key;
  if (value === null) return nulls === 'first' ? { [column]: { not: null } } : undefined;
  const greater = beyond(key, value);
  return nulls === 'last' ? { OR: [greater, { [column]: null }] } : greater;
}

/** The rows that come after a position, in the order of the keys. */
export function afterPosition(keys: readonly OrderKey[], position: Position): Where {
  const alternatives = keys.flatMap((key, index) => {
    const last = after(key, position[index]!);
    if (!last) return [];
    const same = keys.slice(0, index).map(({ column }, i) => ({ [column]: position[i] }));
    return same.length === 0 ? [last] : [{ AND: [...same, last] }];
  });
  const where = alternatives.length === 1 ? alternatives[0]! : { OR: alternatives };
  const [first] = keys;
  const value = position[0];
  if (keys.length === 1 || !first || first.nulls || value === null || value === undefined)
    return where;
  // Says again what follows from the rest, in the one form that lets an index start at the position.
  return { AND: [beyond(first, value, true), where] };
}
