import {
  getNamedType,
  isEnumType,
  isNonNullType,
  type GraphQLEnumType,
  type GraphQLOutputType,
} from 'graphql';
import { Prisma } from '../database/generated/client/client.ts';
import { Left } from './left.ts';
import type { PlainForm } from './plain.ts';

/**
 * JSON as PostgreSQL puts it together: texts that stand there always, and expressions, of which those that are null leave
 * nothing. It is text and not `json` that is built: PostgreSQL makes that at half the cost.
 */
export type Piece = string | Prisma.Sql;

/** How many pieces one call takes; a function of PostgreSQL has at most 100 arguments. */
const MAX_PIECES = 90;

const literal = (text: string) => Prisma.raw(`'${text}'`);

/** An expression that gives the text of some pieces. Their fixed texts hold neither quotes of SQL nor backslashes. */
export function concat(pieces: readonly Piece[]): Prisma.Sql {
  const merged: Piece[] = [];
  for (const piece of pieces) {
    const last = merged.at(-1);
    if (typeof piece === 'string' && typeof last === 'string') merged.splice(-1, 1, last + piece);
    else merged.push(piece);
  }
  const terms = merged.map((piece) => (typeof piece === 'string' ? literal(piece) : piece));
  while (terms.length > MAX_PIECES) {
    const calls = [];
    while (terms.length > 0) calls.push(call(terms.splice(0, MAX_PIECES)));
    terms.push(...calls);
  }
  return call(terms);
}

function call(terms: Prisma.Sql[]): Prisma.Sql {
  return Prisma.join(terms, ', ', 'concat(', ')');
}

/** One text over all rows, also where nothing in it is gathered from them. */
export function overAll(pieces: readonly Piece[], rows: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`(SELECT ${concat(pieces)} FROM ${rows} HAVING true)`;
}

/** The fields of an object, each with the pieces of its value; those without a key are several already. */
export type Members = readonly (readonly [key: string | undefined, value: readonly Piece[]])[];

export function members(fields: Members): Piece[] {
  return fields.flatMap(([key, value], index) => [
    `${index === 0 ? '' : ','}${key === undefined ? '' : `"${key}":`}`,
    ...value,
  ]);
}

export function object(fields: Members): Piece[] {
  return ['{', ...members(fields), '}'];
}

/** What a value is, which decides how it is written. */
export type ValueKind = 'text' | 'number' | 'digits' | 'instant' | 'json' | GraphQLEnumType;

const KINDS: Readonly<Record<string, ValueKind>> = {
  String: 'text',
  Int: 'number',
  Float: 'number',
  BigInt: 'digits',
  DateTime: 'instant',
  JSON: 'json',
};

/** @throws Left for a type whose values no statement writes. */
export function kindOfType(type: GraphQLOutputType): ValueKind {
  const named = getNamedType(type);
  const kind = isEnumType(named) ? named : KINDS[named.name];
  if (!kind) throw new Left('field', named.name);
  return kind;
}

function quotedInstant(column: Prisma.Sql): Piece[] {
  return [
    '"',
    Prisma.sql`to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`,
    '"',
  ];
}

/** The name that a code goes out by; null for one that has none. */
function nameOfCode(column: Prisma.Sql, type: GraphQLEnumType): Prisma.Sql {
  const cases = type
    .getValues()
    .map(({ name, value }) => `WHEN ${Number(value)} THEN '"${name}"'`)
    .join(' ');
  return Prisma.sql`CASE ${column} ${Prisma.raw(cases)} ELSE 'null' END`;
}

/** The pieces of a value that is there. */
function present(kind: ValueKind, column: Prisma.Sql, plain: PlainForm | undefined): Piece[] {
  const other = typeof kind === 'string' ? plain?.values[kind] : undefined;
  if (other) return other.pieces(column);
  switch (kind) {
    case 'text':
      return [Prisma.sql`to_json(${column})`];
    case 'number':
    case 'json':
      return [column];
    case 'digits':
      return ['"', column, '"'];
    case 'instant':
      return quotedInstant(column);
    default:
      // An enum's values are codes, or else the names themselves.
      return typeof kind.getValues()[0]!.value === 'number'
        ? [nameOfCode(column, kind)]
        : ['"', column, '"'];
  }
}

/** The pieces of a value. */
export function value(
  kind: ValueKind,
  column: Prisma.Sql,
  nullable: boolean,
  plain?: PlainForm,
): Piece[] {
  const pieces = present(kind, column, plain);
  if (!nullable) return pieces;
  const [only, ...others] = pieces;
  if (typeof only === 'object' && others.length === 0) {
    return [Prisma.sql`coalesce((${only})::text, 'null')`];
  }
  return [Prisma.sql`CASE WHEN ${column} IS NULL THEN 'null' ELSE ${concat(pieces)} END`];
}

export function valueOfType(
  type: GraphQLOutputType,
  column: Prisma.Sql,
  plain?: PlainForm,
): Piece[] {
  return value(kindOfType(type), column, !isNonNullType(type), plain);
}

/** Bytes in the form of base64 that needs no escaping in a URL. */
export function base64url(bytes: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`translate(encode(${bytes}, 'base64'), E'+/=\\n', '-_')`;
}

export function utf8(text: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`convert_to(${text}, 'UTF8')`;
}
