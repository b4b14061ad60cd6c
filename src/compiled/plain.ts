import {
  getNullableType,
  getOperationAST,
  isListType,
  isObjectType,
  type DocumentNode,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
} from 'graphql';
import { localTime } from '../database/time.ts';
import { Prisma } from '../database/generated/client/client.ts';
import { sourceOf } from '../database/sources.ts';
import { formatInstant } from '../domain/clocks.ts';
import { isUnambiguousTimeZone } from '../domain/time.ts';
import { kindOfType, type Piece, type ValueKind } from './json.ts';
import { Left } from './left.ts';
import { fragmentsOf, select, selectBelow, type Selected, type Selecting } from './selection.ts';

/**
 * The plain form of an answer: rows for programs that know nothing of GraphQL. What a row's related rows have stands among
 * its own members, ids are numbers with all their digits, and instants are what the clocks of a zone show. Keys are those of
 * the document. Statements write it, and {@link createPlainWriter} makes the same of data that resolvers gave.
 */
export interface PlainForm {
  readonly timeZone: string;
  /** How values are written that GraphQL writes otherwise. */
  readonly values: Partial<Record<string, PlainValue>>;
}

/** How a value that is there is written: by a statement, and of what a resolver gave. */
interface PlainValue {
  readonly pieces: (column: Prisma.Sql) => Piece[];
  readonly write: (value: never) => string;
}

/** The texts of an answer by their keys: of each field at its root, but of a numbered page, those of its parts. */
export type PlainTexts = Readonly<Record<string, string>>;

const digits: PlainValue = { pieces: (column) => [column], write: String };

/** An object of counts as PostgreSQL keeps and writes it: the keys by their length in bytes, and then by these. */
const json: PlainValue = {
  pieces: (column) => [column],
  write(value: Readonly<Record<string, unknown>>) {
    const keys = Object.keys(value)
      .map((key) => Buffer.from(key))
      .sort((a, b) => a.length - b.length || Buffer.compare(a, b))
      .map(String);
    return `{${keys.map((key) => `${JSON.stringify(key)}: ${JSON.stringify(value[key])}`).join(', ')}}`;
  },
};

const instant = (timeZone: string): PlainValue => ({
  pieces(column) {
    if (!isUnambiguousTimeZone(timeZone)) throw new Left('field', `the time zone ${timeZone}`);
    const local = localTime(column, timeZone);
    // The day before the first one is in year 0, which PostgreSQL calls 1 BC.
    const format = Prisma.sql`CASE WHEN ${column} < '0001-01-02' AND ${local} < '0001-01-01'
      THEN '"0000"-MM-DD HH24:MI:SS' ELSE 'YYYY-MM-DD HH24:MI:SS' END`;
    return ['"', Prisma.sql`to_char(${local}, ${format})`, '"'];
  },
  write: (value: Date | string) => `"${formatInstant(value, timeZone)}"`,
});

/** @param timeZone an IANA name. */
export function createPlainForm(timeZone: string): PlainForm {
  return { timeZone, values: { digits, json, instant: instant(timeZone) } };
}

type Write = (value: unknown) => string;
type Members = (object: Readonly<Record<string, unknown>>) => (readonly [string, string])[];

function writerOfKind(kind: ValueKind, { values }: PlainForm): Write {
  const plain = typeof kind === 'string' ? values[kind] : undefined;
  const write = (plain?.write ?? JSON.stringify) as Write;
  return (value) => (value === null ? 'null' : write(value));
}

/** The JSON of an object of some members, whose keys need no escaping. */
export function objectOf(members: readonly (readonly [key: string, text: string])[]): string {
  return `{${members.map(([key, text]) => `"${key}":${text}`).join(',')}}`;
}

/**
 * Makes what writes the data of a query in the plain form. It is what a statement of that form has to give.
 * @param document a query without variables in directives.
 */
export function createPlainWriter(
  schema: GraphQLSchema,
  document: DocumentNode,
  form: PlainForm,
): (data: Readonly<Record<string, unknown>>) => PlainTexts {
  const selecting: Selecting = { schema, fragments: fragmentsOf(document), conditions: {} };

  const writerOf = (type: GraphQLOutputType, selected: Selected): Write => {
    const bare = getNullableType(type);
    if (isListType(bare)) {
      const write = writerOf(bare.ofType, selected);
      return (list) => `[${(list as unknown[]).map(write).join(',')}]`;
    }
    if (!isObjectType(bare)) return writerOfKind(kindOfType(bare), form);
    const members = membersOf(bare, selectBelow(selecting, bare, selected));
    return (object) => objectOf(members(object as never));
  };

  const membersOf = (type: GraphQLObjectType, fields: readonly Selected[]): Members => {
    const writers = fields.map((one): Members => {
      const { key, name } = one;
      const field = type.getFields()[name]!;
      const bare = getNullableType(field.type);
      if (isObjectType(bare) && sourceOf(field.extensions)?.from !== 'key') {
        const below = membersOf(bare, selectBelow(selecting, bare, one));
        return (object) => below(object[key] as never);
      }
      const write = writerOf(field.type, one);
      return (object) => [[key, write(object[key])]];
    });
    return (object) => writers.flatMap((write) => write(object));
  };

  const { selectionSet } = getOperationAST(document)!;
  const query = schema.getQueryType()!;
  const members = membersOf(query, select(selecting, query, [selectionSet]));
  return (data) => Object.fromEntries(members(data));
}
