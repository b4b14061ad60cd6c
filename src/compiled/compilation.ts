import {
  getArgumentValues,
  getNamedType,
  Kind,
  type GraphQLField,
  type GraphQLObjectType,
  type ValueNode,
} from 'graphql';
import { Prisma } from '../database/generated/client/client.ts';
import type { Source } from '../database/sources.ts';
import type { Statement } from '../database/texts.ts';
import { TABLES } from '../database/where.ts';
import type { Noun } from '../domain/nouns.ts';
import { Left } from './left.ts';
import { readQuestion, type Paged, type Question } from './pages.ts';
import type { PlainForm } from './plain.ts';
import { selectBelow, type Selected, type Selecting } from './selection.ts';

/** The variables of an operation, and what is configured. */
export interface Given {
  readonly variables: Readonly<Record<string, unknown>>;
  readonly rosettaDomain: string;
  /** The time zone of the roll-ups that may be read; undefined where none may. */
  readonly rollUpZone?: string | undefined;
}

/** An operation as it is asked, and what that comes to at each list of it. */
export interface Asked extends Given {
  readonly questions: readonly Paged[];
}

/** A row that a statement reads, by the name of its table there, and what is joined to it. */
export interface Row {
  readonly noun: Noun;
  readonly alias: string;
  /** Those that are still gathered for are put together at the end. */
  readonly joins: (Prisma.Sql | (() => Prisma.Sql))[];
  /** Columns that can be told without reading it, since a row that belongs to it has them too; each with where that is. */
  readonly known: Readonly<Record<string, string>>;
  /** Whether any other of its columns is asked for. */
  isRead: boolean;
}

/** Where a column of a row is. */
export function columnAt(row: Row, column: string): string {
  const known = row.known[column];
  if (known !== undefined) return known;
  row.isRead = true;
  return `${row.alias}.${column}`;
}

export type Field = GraphQLField<unknown, unknown>;

/** Something worked out of a field's arguments: at once, where they are all written down. */
type Worked<T> = { readonly fixed: T } | { readonly from: (variables: Given['variables']) => T };

/** A part of a statement that is known when it is asked. */
type Hole = (asked: Asked) => unknown;

/** How many tables one statement may read: making a plan for many takes long. */
const MAX_TABLES = 100;

/** How many rows callers ask for most. */
const COMMON_SIZES: ReadonlySet<number> = new Set([1, 10, 20, 50, 100, 1000]);

/** One more is read where that tells whether others follow. */
const isCommon = (rows: number) => COMMON_SIZES.has(rows) || COMMON_SIZES.has(rows - 1);

/** What decides how many rows are read. */
const SIZES: ReadonlySet<string> = new Set(['first', 'last', 'pageSize']);

export function hole(fill: Hole): Prisma.Sql {
  return new Prisma.Sql(['', ''], [fill]);
}

/** Fills a hole, and those of what it is filled with. */
function fillIn(one: unknown, asked: Asked): unknown {
  if (typeof one === 'function') return fillIn((one as Hole)(asked), asked);
  const hasHoles = one instanceof Prisma.Sql && one.values.some((v) => typeof v === 'function');
  return hasHoles
    ? new Prisma.Sql(
        one.strings,
        one.values.map((inner) => fillIn(inner, asked)),
      )
    : one;
}

/** How many texts are kept of one statement, whose holes are filled with parts that have several. */
const MAX_TEXTS = 50;

// What is between the texts of parts: characters that no statement has, so that no two lists of texts read the same.
const PLACE_OF_VALUE = '\0';
const END_OF_PART = '\x01';
const ONLY_VALUE = '\x02';

/**
 * Makes what fills the holes of a statement. Its text is put together once for all that fill them with parts of the same
 * texts: to make a long one and find its name takes longer than to send it.
 */
export function filling({ strings, values }: Prisma.Sql): (asked: Asked) => Statement {
  const known = new Map<string, Pick<Statement, 'strings' | 'text'>>();
  return (asked) => {
    const filled: unknown[] = [];
    const flat: unknown[] = [];
    let parts = '';
    for (const one of values) {
      const value = fillIn(one, asked);
      filled.push(value);
      if (value instanceof Prisma.Sql) {
        parts += value.strings.join(PLACE_OF_VALUE) + END_OF_PART;
        flat.push(...value.values);
      } else {
        flat.push(value);
        parts += ONLY_VALUE;
      }
    }
    let whole = known.get(parts);
    if (!whole) {
      if (known.size >= MAX_TEXTS) known.clear();
      const { strings: all, text } = new Prisma.Sql(strings, filled);
      known.set(parts, (whole = { strings: all, text }));
    }
    return { ...whole, values: flat };
  };
}

function hasVariable(node: ValueNode): boolean {
  if (node.kind === Kind.LIST) return node.values.some(hasVariable);
  if (node.kind === Kind.OBJECT) return node.fields.some(({ value }) => hasVariable(value));
  return node.kind === Kind.VARIABLE;
}

export const tableOf = (noun: Noun) => Prisma.raw(TABLES[noun].table);

export function joinsOf({ joins }: Pick<Row, 'joins'>): Prisma.Sql {
  if (joins.length === 0) return Prisma.empty;
  return Prisma.join(
    joins.map((join) => (typeof join === 'function' ? join() : join)),
    ' ',
  );
}

/** The object type of a field's value, or of each of its values. */
export const objectTypeOf = ({ type }: Field) => getNamedType(type) as GraphQLObjectType;

/** What is asked of a list, and how SQL is made of it: now, or when it is asked. */
export interface Asking<Asked extends Paged = Question> {
  readonly of: (make: (question: Asked) => Prisma.Sql) => Prisma.Sql;
  /** A number of rows in SQL. */
  readonly number: (rows: number) => Prisma.Sql;
}

/** A statement in the making. */
export class Compilation {
  /** What is asked at each list; each throws where its arguments are wrong. */
  readonly questions: ((given: Given) => Paged)[] = [];
  #tables = 0;

  constructor(
    readonly selecting: Selecting,
    /** The form of the answer, where that is not GraphQL's own. */
    readonly plain?: PlainForm,
  ) {}

  /** A name that no other table of the statement has. */
  alias(): string {
    if (++this.#tables > MAX_TABLES) throw new Left('size', `more than ${MAX_TABLES} tables`);
    return `r${this.#tables}`;
  }

  row(noun: Noun, known: Row['known'] = {}): Row {
    return { noun, alias: this.alias(), joins: [], known, isRead: false };
  }

  field(type: GraphQLObjectType, name: string): Field {
    const field = type.getFields()[name];
    if (!field) throw new Left('field', `${type.name}.${name}`);
    return field;
  }

  /** What stands below a field. */
  below(type: GraphQLObjectType, selected: Selected): Selected[] {
    return selectBelow(this.selecting, type, selected);
  }

  /** @throws whatever working out throws, where the arguments are all written down. */
  arguments<T>(
    field: Field,
    { nodes }: Selected,
    workOut: (args: Record<string, unknown>) => T,
  ): Worked<T> {
    const [node] = nodes;
    const from = (variables: Given['variables']) =>
      workOut(getArgumentValues(field, node!, variables));
    return node!.arguments?.some(({ value }) => hasVariable(value))
      ? { from }
      : { fixed: from({}) };
  }

  question(source: Source, field: Field, selected: Selected): Asking {
    return this.ask(field, selected, (args) => readQuestion(source, args));
  }

  /** @param read makes of a field's arguments what is asked of its list. */
  ask<Asked extends Paged>(
    field: Field,
    selected: Selected,
    read: (args: Record<string, unknown>) => Asked,
  ): Asking<Asked> {
    const worked = this.arguments(field, selected, read);
    const index = this.questions.length;
    this.questions.push(
      'fixed' in worked ? () => worked.fixed : ({ variables }) => worked.from(variables),
    );
    // What is written in the document is written into the statement, so that PostgreSQL can count on it when it makes a plan
    // for whatever other values: it would make one again and again. Of a variable, only values that many have are: each makes
    // another statement.
    const isWritten = !selected.nodes[0]!.arguments?.some(
      ({ name, value }) => SIZES.has(name.value) && hasVariable(value),
    );
    return {
      of: (make) =>
        'fixed' in worked
          ? make(worked.fixed)
          : hole((asked) => make(asked.questions[index] as Asked)),
      number: (rows) =>
        isWritten || isCommon(rows) ? Prisma.raw(String(rows)) : Prisma.sql`${BigInt(rows)}`,
    };
  }
}
