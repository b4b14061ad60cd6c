import type { GraphQLObjectType } from 'graphql';
import { Prisma } from '../database/generated/client/client.ts';
import { RANGES, type WorkRange } from '../database/ranges.ts';
import { TASK_STATUS } from '../domain/codes.ts';
import { columnAt, objectTypeOf, type Compilation, type Field, type Row } from './compilation.ts';
import { concat, object, valueOfType, type Piece } from './json.ts';
import { Left } from './left.ts';
import type { Selected } from './selection.ts';

type Columns = Readonly<Record<string, Prisma.Sql>>;

const raw = (sql: string) => Prisma.raw(sql);
const COMPLETED = `status = ${TASK_STATUS.APPROVED}`;
const POSSIBLE = `status <> ${TASK_STATUS.CREATION_FAILED}`;

/** The condition that tasks hang on a row. */
function hangOn(range: WorkRange, row: Row): Prisma.Sql {
  return raw(`task.${RANGES[range].column} = ${columnAt(row, 'id')}`);
}

/** What the tasks of a row hold, by their status. */
function byStatus(range: WorkRange, row: Row): Prisma.Sql {
  return Prisma.sql`(SELECT status, count(*) AS tasks, sum(instance_num) AS instances, sum(attribute_num) AS attributes,
    sum(frame_num) AS frames FROM task WHERE ${hangOn(range, row)} GROUP BY status) AS counted`;
}

/** What is made of the tasks that hang on a row: a column for each field. */
interface Gathered {
  readonly alias: string;
  readonly columns: Prisma.Sql[];
}

const gathered = new WeakMap<Row, Map<WorkRange, Gathered>>();

/** The text of some pieces over the tasks that hang on a row, which are gone through once for all that is asked of them. */
function overTasks(
  compilation: Compilation,
  range: WorkRange,
  row: Row,
  pieces: readonly Piece[],
): Prisma.Sql {
  const ofRow = gathered.get(row) ?? new Map<WorkRange, Gathered>();
  gathered.set(row, ofRow);
  let one = ofRow.get(range);
  if (!one) {
    const alias = compilation.alias();
    const columns: Prisma.Sql[] = [];
    const tasks = byStatus(range, row);
    row.joins.push(() => {
      const named = columns.map((column, n) => Prisma.sql`${column} AS ${raw(`c${n}`)}`);
      return Prisma.sql`CROSS JOIN LATERAL (
        SELECT ${Prisma.join(named)} FROM ${tasks} HAVING true) AS ${raw(alias)}`;
    });
    ofRow.set(range, (one = { alias, columns }));
  }
  const place = one.columns.push(concat(pieces)) - 1;
  return raw(`${one.alias}.c${place}`);
}

/** An object whose values are columns, but for those that are told apart. */
function objectOf(
  compilation: Compilation,
  type: GraphQLObjectType,
  selected: Selected,
  columns: Columns,
  others: (name: string, one: Selected, inner: Field) => readonly Piece[] | undefined = () =>
    undefined,
): Piece[] {
  return object(
    compilation.below(type, selected).map((one) => {
      if (one.name === '__typename') return [one.key, [`"${type.name}"`]];
      const field = compilation.field(type, one.name);
      const column = columns[one.name];
      const pieces = column ? valueOfType(field.type, column) : others(one.name, one, field);
      if (!pieces) throw new Left('field', `${type.name}.${one.name}`);
      return [one.key, pieces];
    }),
  );
}

/** A list of objects, one for each row of a statement. */
function listOf(pieces: readonly Piece[], order: string, rows?: Prisma.Sql): Piece[] {
  const all = Prisma.sql`string_agg(${concat(pieces)}, ',' ORDER BY ${raw(order)})`;
  return ['[', rows ? Prisma.sql`(SELECT ${all} FROM ${rows})` : all, ']'];
}

/** What was at an instant is for the resolvers to say. */
function onlyNow(field: Field, { nodes: [node] }: Selected): void {
  if (node!.arguments?.length) throw new Left('argument', `${field.name}(asOf:)`);
}

/** How far the tasks that hang on a row are. */
export function progress(
  compilation: Compilation,
  range: WorkRange,
  field: Field,
  selected: Selected,
  row: Row,
): Prisma.Sql {
  onlyNow(field, selected);
  const completed = 'coalesce(sum(tasks) FILTER (WHERE ' + COMPLETED + '), 0)';
  const counted: Columns = {
    total: raw('coalesce(sum(tasks), 0)'),
    completed: raw(completed),
    percent: raw(`(100 * ${completed}::float8 / nullif(sum(tasks) FILTER (WHERE ${POSSIBLE}), 0))`),
  };
  const pieces = objectOf(
    compilation,
    objectTypeOf(field),
    selected,
    counted,
    (name, one, inner) => {
      if (name === 'byStatus') {
        const columns = { status: raw('status'), statusCode: raw('status'), count: raw('tasks') };
        return listOf(objectOf(compilation, objectTypeOf(inner), one, columns), 'status');
      }
      if (name !== 'byPoolType') return undefined;
      const type = raw('typed.pool_type');
      const columns = { poolType: type, poolTypeCode: type, count: raw('typed.tasks') };
      // The pools are few, and the tasks are many.
      const rows = Prisma.sql`(SELECT found.pool_type, sum(pooled.tasks) AS tasks FROM (
          SELECT pool_id, count(*) AS tasks FROM task WHERE ${hangOn(range, row)} GROUP BY pool_id) AS pooled
        CROSS JOIN LATERAL (SELECT pool_type FROM pool WHERE pool.id = pooled.pool_id OFFSET 0) AS found
        GROUP BY found.pool_type) AS typed`;
      return listOf(
        objectOf(compilation, objectTypeOf(inner), one, columns),
        'typed.pool_type',
        rows,
      );
    },
  );
  return overTasks(compilation, range, row, pieces);
}

/** What the tasks that hang on a row hold. */
export function delivery(
  compilation: Compilation,
  range: WorkRange,
  field: Field,
  selected: Selected,
  row: Row,
): Prisma.Sql {
  onlyNow(field, selected);
  const counts = (isAll: boolean): Columns => {
    const sum = (column: string) =>
      raw(`coalesce(sum(${column})${isAll ? '' : ` FILTER (WHERE ${COMPLETED})`}, 0)`);
    return Object.fromEntries(
      ['tasks', 'instances', 'attributes', 'frames'].map((name) => [name, sum(name)]),
    );
  };
  const byKey = (isAll: boolean) =>
    Prisma.sql`(SELECT info.key COLLATE "C" AS key, sum(info.value::numeric)::bigint AS instances
      FROM task CROSS JOIN LATERAL jsonb_each_text(task.instance_info) AS info
      WHERE ${hangOn(range, row)} ${raw(isAll ? '' : `AND ${COMPLETED}`)} GROUP BY 1) AS operation`;
  const pieces = objectOf(compilation, objectTypeOf(field), selected, {}, (name, scope, inner) => {
    if (name !== 'all' && name !== 'completed') return undefined;
    const isAll = name === 'all';
    return objectOf(
      compilation,
      objectTypeOf(inner),
      scope,
      counts(isAll),
      (part, one, innermost) => {
        if (part !== 'byOperationKey') return undefined;
        const columns = { key: raw('operation.key'), instances: raw('operation.instances') };
        const operation = objectOf(compilation, objectTypeOf(innermost), one, columns);
        return listOf(operation, 'operation.key', byKey(isAll));
      },
    );
  });
  return overTasks(compilation, range, row, pieces);
}
