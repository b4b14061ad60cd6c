import { createHash } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import { parseInt64 } from '../ids.ts';
import { LISTS, type FieldKind, type ListName } from './fields.ts';
import { positionOf, type OrderKey, type Position } from './order.ts';

/**
 * A cursor says which list it belongs to (its name and its order) and where in it a row stands. It is opaque to callers;
 * a checksum tells one that was edited from one that we issued. It is no secret and protects nothing.
 */
const VERSION = '2';
const CHECKSUM_LENGTH = 8;

function checksum(text: string): string {
  return createHash('sha1').update(text).digest('base64url').slice(0, CHECKSUM_LENGTH);
}

/** @param variant tells lists of a name and order apart whose positions mean different things. */
function nameOf(list: ListName, keys: readonly OrderKey[], variant: string): string {
  const order = keys.map(({ column, direction, nulls }) =>
    [column, direction, nulls ?? ''].join(' '),
  );
  return [VERSION, list, ...(variant ? [variant] : []), ...order].join('\n');
}

function kindOf(list: ListName, column: string): FieldKind {
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
  const sum = checksum(`${nameOf(list, keys, variant)}\n${position}`);
  return Buffer.from(sum + position).toString('base64url');
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
  const text = Buffer.from(cursor, 'base64url').toString();
  const position = text.slice(CHECKSUM_LENGTH);
  // The checksum covers the list's name, so that a cursor of another list fails here too.
  if (text.slice(0, CHECKSUM_LENGTH) !== checksum(`${nameOf(list, keys, variant)}\n${position}`))
    return undefined;
  // Base64 has several spellings of the same bytes; we issue one.
  if (Buffer.from(text).toString('base64url') !== cursor) return undefined;
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
