import type { GraphQLObjectType } from 'graphql';
import { Prisma } from '../database/generated/client/client.ts';
import type { ScopeKind } from '../database/scope.ts';
import { columnOf, whereSql } from '../database/where.ts';
import { orderSql } from '../database/report.ts';
import { groupsSql } from '../database/workload-groups.ts';
import type { Parents } from '../database/workload-records.ts';
import type { Where } from '../domain/lists/where.ts';
import { boundsOf, readingOrder, type ConnectionArguments } from '../domain/paging.ts';
import {
  isWorkloadMeasure,
  readWorkload,
  readWorkloadPage,
  WORKLOAD_KEYS,
  type WorkloadArguments,
  type WorkloadKey,
  type WorkloadMeasure,
  type WorkloadTerms,
} from '../domain/workload.ts';
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
import { connection, type ObjectOf } from './connections.ts';
import { concat, object, valueOfType, type Piece } from './json.ts';
import { Left } from './left.ts';
import type { Listed, Paged } from './pages.ts';
import type { Selected } from './selection.ts';

/** What is asked of groups of records. */
interface Question extends Paged, WorkloadTerms {
  readonly where: Where | undefined;
}

function readQuestion(given: Readonly<Record<string, unknown>>): Question {
  const args = given as unknown as WorkloadArguments & ConnectionArguments;
  const terms = readWorkload(args);
  return { ...terms, page: readWorkloadPage(terms, args), tellsWork: true };
}

/** The key that a field of a group tells: of one that is a code, a second field tells the number. */
function keyOf(name: string): WorkloadKey | undefined {
  const key = name in WORKLOAD_KEYS ? name : name.replace(/Code$/, '');
  return key in WORKLOAD_KEYS ? (key as WorkloadKey) : undefined;
}

/** Something that depends on the zone whose roll-ups may be read, made once for each. */
function oncePerZone(make: (zone: string | undefined) => Prisma.Sql): Prisma.Sql {
  const made = new Map<string | undefined, Prisma.Sql>();
  return hole(({ rollUpZone }) => {
    let one = made.get(rollUpZone);
    if (!one) made.set(rollUpZone, (one = make(rollUpZone)));
    return one;
  });
}

/** The list of groups. @param selected the measures that are asked of them, by the time that its rows are. */
function groupsOf(
  scope: ScopeKind | undefined,
  parents: Parents,
  selected: ReadonlySet<WorkloadMeasure>,
): Listed<Question> {
  const groups = (question: Question, measures: Iterable<WorkloadMeasure>) => {
    const { where, grouping, timeZone, having } = question;
    const workload = { scope, where, grouping, timeZone };
    const wanted = new Set([...measures, ...question.measures]);
    const rows = oncePerZone((zone) => groupsSql(workload, parents, wanted, false, zone));
    return Prisma.sql`FROM (${rows}) AS t0 WHERE ${whereSql(undefined, 't0', having ?? {})}`;
  };
  return {
    name: 'Workload',
    rows(question, take) {
      const { page } = question;
      const bounds = whereSql(undefined, 't0', boundsOf(page) ?? {});
      return Prisma.sql`SELECT * ${groups(question, selected)} AND ${bounds}
        ${orderSql(readingOrder(page))} LIMIT ${take}`;
    },
    count: (question) => Prisma.sql`(SELECT count(*) ${groups(question, [])})`,
  };
}

/** The groups of the records of a row, or of all. */
export function workload(
  compilation: Compilation,
  scope: ScopeKind | undefined,
  field: Field,
  selected: Selected,
  objectOf: ObjectOf,
  parent?: Row,
): Prisma.Sql {
  const asking = compilation.ask(field, selected, readQuestion);
  const measures = new Set<WorkloadMeasure>();
  const parents = parent ? Prisma.raw(columnAt(parent, 'id')) : [];
  const group = { alias: compilation.alias(), joins: [] };
  const columnNamed = (column: string) => Prisma.raw(`${group.alias}.${columnOf(column)}`);
  const orNull = (isThere: (question: Question) => boolean, there: readonly Piece[]): Piece[] => [
    asking.of((question) => (isThere(question) ? concat(there) : Prisma.raw(`'null'`))),
  ];

  const time = (bucket: GraphQLObjectType, one: Selected): Piece[] => {
    const parts = compilation.below(bucket, one).map((part) => {
      if (part.name === '__typename') return [part.key, [`"${bucket.name}"`]] as const;
      const column = columnNamed(`time_${part.name}`);
      return [part.key, valueOfType(compilation.field(bucket, part.name).type, column)] as const;
    });
    return orNull(({ grouping }) => grouping.unit !== undefined, object(parts));
  };
  const key = (name: WorkloadKey, inner: Field, one: Selected): Piece[] => {
    const { column, kind } = WORKLOAD_KEYS[name];
    const isKey = ({ grouping }: Question) => grouping.keys.includes(name);
    if (typeof kind === 'string') {
      return orNull(isKey, valueOfType(inner.type, columnNamed(column)));
    }
    const row = compilation.row(kind.row);
    const pieces = objectOf(compilation, objectTypeOf(inner), one, row);
    const found = Prisma.sql`(SELECT ${concat(pieces)} FROM ${tableOf(kind.row)} AS ${Prisma.raw(row.alias)} ${joinsOf(row)}
      WHERE ${Prisma.raw(columnAt(row, 'id'))} = ${columnNamed(column)})`;
    return orNull(isKey, [found]);
  };
  const value = (type: GraphQLObjectType, one: Selected): readonly Piece[] => {
    const { name } = one;
    if (name === '__typename') return [`"${type.name}"`];
    const inner = compilation.field(type, name);
    if (isWorkloadMeasure(name)) {
      measures.add(name);
      return valueOfType(inner.type, columnNamed(name));
    }
    if (name === 'time') return time(objectTypeOf(inner), one);
    const known = keyOf(name);
    if (!known) throw new Left('field', `${type.name}.${name}`);
    return key(known, inner, one);
  };
  const node = (type: GraphQLObjectType, one: Selected): Piece[] =>
    object(compilation.below(type, one).map((inner) => [inner.key, value(type, inner)]));

  const list = groupsOf(scope, parents, measures);
  return connection(compilation, list, asking, field, selected, node, group);
}
