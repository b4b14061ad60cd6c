import { GatewayError } from '../errors.ts';
import { parseInt64 } from '../ids.ts';
import { seal, unseal } from '../seal.ts';
import { LISTS, type FieldKind, type ListName } from './fields.ts';
import { positionOf, type OrderKey, type Position } from './order.ts';

/** A cursor says which list it belongs to (its name and its order) and where in it a row stands. */
const VERSION = '2';

/**
 * What a cursor is sealed under.
 * @param variant tells lists of a name and order apart whose positions mean different things.
 */
export function sealName(list: ListName, keys: readonly OrderKey[], variant: string): string {
  const order = keys.map(({ column, direction, nulls }) =>
    [column, direction, nulls ?? ''].join(' '),
  );
  return [VERSION, list, ...(variant ? [variant] : []), ...order].join('\n');
}

export function kindOf(list: ListName, column: string): FieldKind {
  return Object.values(LISTS[list].fields).find((field) => field.column === column)!.kind;
}

function writeValue(value: Position[number]): string | number | null {
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'bigint' ? String(value) : value;
}

/** The cursor of a row, which must have a value for each key of the order. */
export function encodeCursor(
  list: ListName,
  keys: readonly OrderKey[],
  row: Readonly<Record<string, unknown>>,
  variant = '',
): string {
  const position = JSON.stringify(positionOf(keys, row).map(writeValue));
  return seal(sealName(list, keys, variant), position);
}

function readValue(kind: FieldKind, value: unknown): Position[number] | undefined {
  if (value === null) return null;
  switch (kind) {
    case 'bigint':
      return typeof value === 'string' ? parseInt64(value) : undefined;
    case 'instant': {
      const instant = typeof value === 'string' ? new Date(value) : undefined;
      return instant && !Number.isNaN(instant.getTime()) ? instant : undefined;
    }
    case 'text':
    case 'campaignType':
      return typeof value === 'string' ? value : undefined;
    case 'float':
      return typeof value === 'number' ? value : undefined;
    case 'int':
    case 'taskStatus':
    case 'taskAction':
    case 'poolType':
      return Number.isInteger(value) ? (value as number) : undefined;
  }
}

function readPosition(
  list: ListName,
  keys: readonly OrderKey[],
  cursor: string,
  variant: string,
): Position | undefined {
  const position = unseal(sealName(list, keys, variant), cursor);
  if (position === undefined) return undefined;
  const values = JSON.parse(position) as unknown[];
  const read = keys.map(({ column }, index) => readValue(kindOf(list, column), values[index]));
  return read.every((value) => value !== undefined) ? read : undefined;
}

/**
 * Reads a cursor that stands in an argument.
 * @throws GatewayError (BAD_USER_INPUT) if it is not one of this list in this order.
 */
export function decodeCursor(
  list: ListName,
  keys: readonly OrderKey[],
  argument: string,
  cursor: string,
  variant = '',
): Position {
  const position = readPosition(list, keys, cursor, variant);
  if (position) return position;
  throw new GatewayError(
    'BAD_USER_INPUT',
    `The argument "${argument}" is not a cursor of a list of ${list} in this order: take one from "cursor", "startCursor" or "endCursor".`,
  );
}
