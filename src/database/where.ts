import { Prisma } from './generated/client/client.ts';

/** How a model's rows are tied to another's: `own` is the column here, `other` the one there. */
interface Relation {
  readonly model: Model;
  readonly own: string;
  readonly other: string;
  /** More columns that both have, and that foreign keys keep the same. */
  readonly same?: readonly string[];
}

export type Model = 'Campaign' | 'AnnotationRequest' | 'Pool' | 'Task' | 'AnnotationHistory';

const belongsTo = (model: Model, own: string, ...same: string[]): Relation => ({
  model,
  own,
  other: 'id',
  same,
});
const has = (model: Model, other: string): Relation => ({ model, own: 'id', other });

/** The tables of schema.prisma and their relations. */
export const TABLES: Readonly<
  Record<Model, { table: string; relations: Readonly<Record<string, Relation>> }>
> = {
  Campaign: {
    table: 'campaign',
    relations: {
      annotationRequests: has('AnnotationRequest', 'campaign_id'),
      pools: has('Pool', 'campaign_id'),
      tasks: has('Task', 'campaign_id'),
    },
  },
  AnnotationRequest: {
    table: 'annotation_request',
    relations: {
      campaign: belongsTo('Campaign', 'campaign_id'),
      tasks: has('Task', 'annotation_request_id'),
      annotationHistory: has('AnnotationHistory', 'annotation_request_id'),
    },
  },
  Pool: {
    table: 'pool',
    relations: {
      campaign: belongsTo('Campaign', 'campaign_id'),
      tasks: has('Task', 'pool_id'),
    },
  },
  Task: {
    table: 'task',
    relations: {
      campaign: belongsTo('Campaign', 'campaign_id'),
      annotationRequest: belongsTo('AnnotationRequest', 'annotation_request_id', 'campaign_id'),
      pool: belongsTo('Pool', 'pool_id', 'campaign_id'),
      annotationHistory: has('AnnotationHistory', 'task_id'),
    },
  },
  AnnotationHistory: {
    table: 'annotation_history',
    relations: {
      task: belongsTo('Task', 'task_id', 'annotation_request_id', 'campaign_id'),
      pool: belongsTo('Pool', 'pool_id', 'campaign_id'),
      annotationRequest: belongsTo('AnnotationRequest', 'annotation_request_id', 'campaign_id'),
    },
  },
};

/** The column of a field: schema.prisma maps every one by this rule. */
export function columnOf(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

const OPERATORS: Readonly<Record<string, string>> = {
  equals: '=',
  gt: '>',
  gte: '>=',
  lt: '<',
  lte: '<=',
};

function comparison(column: Prisma.Sql, operator: string, value: unknown): Prisma.Sql {
  const sign = OPERATORS[operator];
  if (sign) return Prisma.sql`${column} ${Prisma.raw(sign)} ${value}`;
  switch (operator) {
    case 'in': {
      const values = value as unknown[];
      if (values.length === 0) return Prisma.sql`false`;
      // One parameter, however many values: a statement may have 65,535.
      return values.some((one) => one instanceof Date)
        ? Prisma.sql`${column} IN (${Prisma.join(values)})`
        : Prisma.sql`${column} = ANY (${values})`;
    }
    case 'startsWith':
      return Prisma.sql`${column} LIKE (${value} || '%')`;
    case 'contains':
      return Prisma.sql`${column} ILIKE ('%' || ${value} || '%')`;
    case 'not':
      if (value === null) return Prisma.sql`${column} IS NOT NULL`;
      break;
    default:
  }
  throw new Error(`A condition has an operator that has no SQL here: ${operator}`);
}

function field(column: Prisma.Sql, value: unknown): Prisma.Sql {
  if (value === null) return Prisma.sql`${column} IS NULL`;
  if (typeof value !== 'object' || value instanceof Date) return Prisma.sql`${column} = ${value}`;
  // The only mode there is stands beside `contains`, which ignores case anyway.
  const operators = Object.entries(value).filter(([name]) => name !== 'mode');
  return all(operators.map(([name, operand]) => comparison(column, name, operand)));
}

function all(parts: readonly Prisma.Sql[]): Prisma.Sql {
  return parts.length > 0 ? Prisma.join([...parts], ' AND ', '(', ')') : Prisma.sql`true`;
}

function any(parts: readonly Prisma.Sql[]): Prisma.Sql {
  return parts.length > 0 ? Prisma.join([...parts], ' OR ', '(', ')') : Prisma.sql`false`;
}

/**
 * A condition in Prisma's language, as far as filters use it, in SQL: for the statements that Prisma has no words for.
 * @param model whose rows it is about; undefined for those of a report, which have no relations.
 * @param alias the name of their table in the statement: `t0`, or on deeper levels `t1` and so on.
 */
export function whereSql(model: Model | undefined, alias: string, where: object): Prisma.Sql {
  const parts = Object.entries(where).map(([name, value]: [string, unknown]) => {
    const nested = (one: unknown) => whereSql(model, alias, one as object);
    if (name === 'AND') return all((value as unknown[]).map(nested));
    if (name === 'OR') return any((value as unknown[]).map(nested));
    if (name === 'NOT') return Prisma.sql`NOT ${nested(value)}`;
    const relation = model && TABLES[model].relations[name];
    if (!relation) return field(Prisma.raw(`${alias}.${columnOf(name)}`), value);
    return all(
      Object.entries(value as object).map(([quantifier, condition]) => {
        // Another name on each level, so that no table hides another.
        const inner = `t${Number(alias.slice(1)) + 1}`;
        const exists = Prisma.sql`EXISTS (
          SELECT FROM ${Prisma.raw(`${TABLES[relation.model].table} AS ${inner}`)}
          WHERE ${Prisma.raw(`${inner}.${relation.other} = ${alias}.${relation.own}`)}
          AND ${whereSql(relation.model, inner, condition as object)})`;
        return quantifier === 'none' ? Prisma.sql`NOT ${exists}` : exists;
      }),
    );
  });
  return all(parts);
}
