import { groupIsTooSmall } from '../domain/viewer.ts';
import type { GatewayError } from '../domain/errors.ts';
import { Prisma, type PrismaClient } from './generated/client/client.ts';

/**
 * What keeps the work of a few from viewers from whom people are hidden. What they see of the history has the operator of
 * each record in a column that is there to be counted: a statement that adds up records says by `operators` of how many
 * people they are, and a row of too few is taken out of the answer before anybody has read it. Their client takes no other
 * statement over the history, so that a new measure cannot forget it.
 */

/** The operator of a record, to be counted and nothing else. */
export const OPERATOR = 'hidden_operator';

/** A row of an answer; where it is of too few people, nothing is left of it but what tells it from others. */
export interface Judged {
  readonly refused?: GatewayError | undefined;
}

/** What is known of a client whose viewer is told of no small group. */
interface Rules {
  /** How many operators a group has at least. */
  readonly minGroup: number;
  /** The same client for statements that add up nobody's work. */
  readonly tellingNoWork: PrismaClient;
}

const RULES = new WeakMap<PrismaClient, Rules>();

export function setRules(prisma: PrismaClient, rules: Rules): void {
  RULES.set(prisma, rules);
}

/** How many operators a group must have that may be told of; undefined where any may. */
export function minGroupOf(prisma: PrismaClient): number | undefined {
  return RULES.get(prisma)?.minGroup;
}

/** The client for statements that tell of tasks, or of records one by one, however few people are behind them. */
export function tellingNoWork(prisma: PrismaClient): PrismaClient {
  return RULES.get(prisma)?.tellingNoWork ?? prisma;
}

/**
 * How many operators the records of a group have: the fewest among those that one of its numbers is made of. Null where
 * they have none: what no person did may be told.
 * @param conditions on the records that each of the numbers is made of; all of the group, unless told.
 */
export function operatorsSql(conditions: readonly Prisma.Sql[] = [Prisma.sql`true`]): Prisma.Sql {
  const counts = conditions.map(
    (condition) =>
      Prisma.sql`nullif(count(DISTINCT ${Prisma.raw(OPERATOR)}) FILTER (WHERE ${condition}), 0)`,
  );
  return Prisma.sql`least(${Prisma.join(counts)})`;
}

/** The last column of a statement that adds up records: of how many people they are, where that matters. */
export function operatorsColumn(
  prisma: PrismaClient,
  operators: () => Prisma.Sql = operatorsSql,
): Prisma.Sql {
  return minGroupOf(prisma) === undefined
    ? Prisma.empty
    : Prisma.sql`, ${operators()} AS operators`;
}

/** The operator of the records that a statement goes on with, where that is to be counted. */
export function operatorColumn(prisma: PrismaClient): Prisma.Sql {
  return minGroupOf(prisma) === undefined ? Prisma.empty : Prisma.raw(`, ${OPERATOR}`);
}

const OVER_HISTORY = /\bannotation_history\b/;
const COUNTED = /\bAS operators\b/;

/** @throws for a statement that adds up records and does not say of how many people: a fault of ours. */
export function checkCounted({ strings }: Prisma.Sql): void {
  const text = strings.join('');
  if (OVER_HISTORY.test(text) && !COUNTED.test(text)) {
    throw new Error(
      'A statement over the history neither counts the operators behind its rows nor is known to tell of no work.',
    );
  }
}

/** What tells rows from others, and nothing of what is in them. */
const KEYS = ['parent', 'cell', 'action'];

/** A row of an answer, by the names of its columns. */
export type AnswerRow = Readonly<Record<string, unknown>>;

/** An answer without what is in the rows of too few people. */
export function withoutSmallGroups(rows: readonly AnswerRow[], minGroup: number): AnswerRow[] {
  return rows.map((row): AnswerRow => {
    const { operators = null, ...told } = row;
    if (OPERATOR in told) throw new Error('A statement tells who the operator of a record is.');
    if (operators === null || Number(operators) >= minGroup) return told;
    const keys = KEYS.filter((name) => name in row).map((name) => [name, row[name]]);
    return {
      ...(Object.fromEntries(keys) as AnswerRow),
      refused: groupIsTooSmall(minGroup),
    };
  });
}

/** The rows as they are. @throws GatewayError (FORBIDDEN) where one of them may not be told. */
export function allTold<Row extends Judged>(rows: readonly Row[]): readonly Row[] {
  const refused = rows.find((row) => row.refused);
  if (refused) throw refused.refused!;
  return rows;
}
