import type { Database } from '../database/database.ts';
import { carryThrough } from '../database/request.ts';
import type { EntityType } from '../domain/entities.ts';
import { analyzeAfter } from './import.ts';
import { NumberText, type ExactJson } from './json.ts';
import { parseEntity } from './parse.ts';
import type { LineProblem } from './problem.ts';
import { addOutcomes, emptySummary } from './summary.ts';
import { inRetriedTransaction } from './transaction.ts';
import { writeBatch, type Outcome } from './write.ts';

/** An entity that did not come as text: 64-bit ids as bigints, instants as dates. */
export interface GivenEntity {
  readonly type: EntityType;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What became of one entity; `notWritten`: it was right, and others of an atomic import were not. */
export type EntityOutcome =
  | {
      decision: 'created' | 'updated' | 'unchanged' | 'stale' | 'notWritten';
      warning: LineProblem | undefined;
    }
  | { decision: 'rejected'; problem: LineProblem };

/** Undoes the transaction. */
class Undone extends Error {
  constructor(readonly outcomes: readonly Outcome[]) {
    super('undone');
  }
}

/** A value in the form in which the parser of lines gives it. Fields hold nothing deeper than an object of numbers. */
function asJson(value: unknown): ExactJson {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'number') return asNumber(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return value as ExactJson;
  }
  return mapValues(value, (inner) =>
    typeof inner === 'number' ? asNumber(inner) : (inner as ExactJson),
  );
}

/** The parser leaves only whole numbers as they are, and of these none that is negative. */
function asNumber(value: number): ExactJson {
  return Number.isSafeInteger(value) && value >= 0 ? value : new NumberText(String(value));
}

function mapValues(object: object, map: (value: unknown) => ExactJson): Record<string, ExactJson> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value)]));
}

/**
 * Imports entities as {@link importLines} imports lines, in one transaction.
 * @param atomic whether a rejected entity keeps the others from being written.
 * @param campaigns those that exist for whoever imports; undefined: all.
 * @returns an outcome for each, in their order.
 */
export async function importEntities(
  database: Pick<Database, 'prisma'>,
  entities: readonly GivenEntity[],
  atomic: boolean,
  campaigns?: readonly string[],
): Promise<EntityOutcome[]> {
  const importTime = new Date().toISOString();
  const entries = entities.map(({ type, fields }, index) =>
    parseEntity(index, type, mapValues(fields, asJson)),
  );
  try {
    const outcomes = await inRetriedTransaction(database, async (tx) => {
      const outcomes = await writeBatch(tx, { entries, bytesRead: 0 }, importTime, campaigns);
      if (atomic && outcomes.some(({ decision }) => decision === 'rejected')) {
        throw new Undone(outcomes);
      }
      // Nobody is to be told that it took too long of what was written.
      carryThrough();
      return outcomes;
    });
    const summary = emptySummary();
    addOutcomes(summary, outcomes, {});
    await analyzeAfter(database, summary);
    return outcomes;
  } catch (error) {
    if (!(error instanceof Undone)) throw error;
    return error.outcomes.map((outcome) =>
      outcome.decision === 'rejected' ? outcome : { ...outcome, decision: 'notWritten' },
    );
  }
}
