import type { GraphQLObjectType } from 'graphql';
import { Prisma } from '../database/generated/client/client.ts';
import { sourceOf, type Source, type TextPart } from '../database/sources.ts';
import { columnOf, TABLES } from '../database/where.ts';
import { LISTS } from '../domain/lists/fields.ts';
import type { Noun } from '../domain/nouns.ts';
import {
  columnAt,
  hole,
  joinsOf,
  objectTypeOf,
  tableOf,
  type Compilation,
  type Field,
  type Row,
} from './compilation.ts';
import { rowConnection } from './connections.ts';
import {
  base64url,
  concat,
  members,
  object,
  utf8,
  valueOfType,
  type Members,
  type Piece,
} from './json.ts';
import { Left } from './left.ts';
import type { Selected } from './selection.ts';
import { delivery, progress } from './work.ts';
import { workload } from './workload.ts';

/** The object of a row. */
export function rowObject(
  compilation: Compilation,
  type: GraphQLObjectType,
  selected: Selected,
  row: Row,
): Piece[] {
  return object(membersOf(compilation, type, selected, row));
}

function membersOf(
  compilation: Compilation,
  type: GraphQLObjectType,
  selected: Selected,
  row: Row,
): Members {
  return compilation.below(type, selected).map((one) => {
    const { key, name } = one;
    const isHoisted = compilation.plain && TABLES[row.noun].relations[name];
    return [isHoisted ? undefined : key, value(compilation, type, one, row)];
  });
}

function value(
  compilation: Compilation,
  type: GraphQLObjectType,
  selected: Selected,
  row: Row,
): readonly Piece[] {
  const { name } = selected;
  const { noun } = row;
  if (name === '__typename') return [`"${type.name}"`];
  const field = compilation.field(type, name);
  if (name === 'id') {
    return ['"', base64url(utf8(concat([`${noun}:`, Prisma.raw(columnAt(row, 'id'))]))), '"'];
  }
  const source = sourceOf(field.extensions);
  if (source) return sourced(compilation, source, field, selected, row);
  if (TABLES[noun].relations[name]) return related(compilation, field, selected, row);
  const column = LISTS[noun].fields[name]?.column ?? field.extensions.pothosExposedField;
  if (typeof column !== 'string') throw new Left('field', `${type.name}.${name}`);
  return valueOfType(field.type, Prisma.raw(columnAt(row, columnOf(column))), compilation.plain);
}

function sourced(
  compilation: Compilation,
  source: Source,
  field: Field,
  selected: Selected,
  row: Row,
): readonly Piece[] {
  if (source.from !== 'parts' && compilation.plain) throw new Left('field', field.name);
  switch (source.from) {
    case 'parts':
      return ['"', ...source.parts.flatMap((one) => part(compilation, one, row)), '"'];
    case 'list':
      return [rowConnection(compilation, source, field, selected, rowObject, columnAt(row, 'id'))];
    case 'progress':
      return [progress(compilation, source.range, field, selected, row)];
    case 'delivery':
      return [delivery(compilation, source.range, field, selected, row)];
    case 'workload':
      return [workload(compilation, source.scope, field, selected, rowObject, row)];
    case 'key':
    case 'requests':
    case 'page':
      throw new Left('field', field.name);
  }
}

/** A part of a text. None needs escaping in JSON. */
function part(compilation: Compilation, one: TextPart, row: Row): Piece[] {
  if (typeof one === 'string') return [one];
  if ('config' in one) return [hole((asked) => Prisma.sql`${asked[one.config]}::text`)];
  const column = columnOf(one.column);
  if (one.of === undefined) return [Prisma.raw(columnAt(row, column))];
  return join(compilation, row, one.of, (other) => [Prisma.raw(columnAt(other, column))]);
}

/** The row that a row belongs to. */
function related(
  compilation: Compilation,
  field: Field,
  selected: Selected,
  row: Row,
): readonly Piece[] {
  const type = objectTypeOf(field);
  return join(compilation, row, field.name, (one) => {
    const fields = membersOf(compilation, type, selected, one);
    return compilation.plain ? members(fields) : object(fields);
  });
}

/** Of these there are so few that one look at all of them may be better than some by their keys. */
const FEW: ReadonlySet<Noun> = new Set(['Campaign']);

/** How many of a row's tables PostgreSQL may join in whatever order it likes: to look for one among many takes it seconds. */
const MAX_FREE = 4;

/**
 * Joins something of the row that a row belongs to, unless the row itself says all of it. OFFSET makes PostgreSQL look that up
 * by its key: where it thinks that there are many rows, it would find it cheaper to read a whole table. Of rows that have the
 * same one, it keeps what was found.
 */
function join(
  compilation: Compilation,
  row: Row,
  relation: string,
  of: (one: Row) => Piece[],
): Piece[] {
  const { model, own, other, same = [] } = TABLES[row.noun].relations[relation]!;
  const key = columnAt(row, own);
  const known = { [other]: key };
  for (const column of same) known[column] = columnAt(row, column);
  const one = compilation.row(model, known);
  const found = `${one.alias}_found`;
  const pieces = of(one);
  if (!one.isRead) {
    row.joins.push(...one.joins);
    return pieces;
  }
  const isFree = FEW.has(model) && row.joins.length < MAX_FREE;
  row.joins.push(Prisma.sql`CROSS JOIN LATERAL (
    SELECT ${concat(pieces)} AS value FROM ${tableOf(model)} AS ${Prisma.raw(one.alias)} ${joinsOf(one)}
    WHERE ${Prisma.raw(`${one.alias}.${other} = ${key}`)} ${Prisma.raw(isFree ? '' : 'OFFSET 0')}) AS ${Prisma.raw(found)}`);
  return [Prisma.raw(`${found}.value`)];
}
