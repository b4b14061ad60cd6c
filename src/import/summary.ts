import { ENTITY_TYPES, type EntityType } from '../domain/entities.ts';
import type { LineProblem } from './problem.ts';
import type { Outcome } from './write.ts';

export interface TypeSummary {
  created: number;
  updated: number;
  /** The stale lines included. */
  unchanged: number;
  /** Lines of tasks that were written after an earlier record than what is stored. */
  stale: number;
  rejected: number;
  /** Records that were created although their counts do not add up. */
  warnings: number;
}

/** What an import did. */
export interface ImportSummary {
  /** Lines that were dealt with; blank ones do not count. */
  lines: number;
  /** Whether the import was told to stop before the end of the source. */
  interrupted: boolean;
  types: Record<EntityType, TypeSummary>;
  /** Of all types, and of lines that have none. */
  rejected: number;
  /** Lines that were right, of an atomic import that wrote nothing because others were rejected. */
  notWritten: number;
}

function eachType(countsOf: (type: EntityType) => TypeSummary): ImportSummary['types'] {
  const entries = ENTITY_TYPES.map((type) => [type, countsOf(type)] as const);
  return Object.fromEntries(entries) as ImportSummary['types'];
}

const ZEROS = { created: 0, updated: 0, unchanged: 0, stale: 0, rejected: 0, warnings: 0 };

export function emptySummary(): ImportSummary {
  const types = eachType(() => ({ ...ZEROS }));
  return { lines: 0, interrupted: false, rejected: 0, notWritten: 0, types };
}

/** What is left to say of an import that was undone because of its rejected lines. */
export function undoneSummary(summary: ImportSummary): ImportSummary {
  return {
    ...summary,
    notWritten: summary.lines - summary.rejected,
    types: eachType((type) => {
      const { rejected, warnings } = summary.types[type];
      return { ...ZEROS, rejected, warnings };
    }),
  };
}

export interface Listeners {
  onRejected?: ((problem: LineProblem) => void) | undefined;
  onWarning?: ((problem: LineProblem) => void) | undefined;
}

/** Counts what became of lines, and tells the listeners about those with a problem. */
export function addOutcomes(
  summary: ImportSummary,
  outcomes: readonly Outcome[],
  { onRejected, onWarning }: Listeners,
): void {
  summary.lines += outcomes.length;
  for (const outcome of outcomes) {
    if (outcome.decision === 'rejected') {
      const { problem } = outcome;
      summary.rejected++;
      if (problem.type) summary.types[problem.type].rejected++;
      onRejected?.(problem);
      continue;
    }
    const counts = summary.types[outcome.type];
    if (outcome.decision === 'stale') counts.stale++;
    counts[outcome.decision === 'stale' ? 'unchanged' : outcome.decision]++;
    if (outcome.warning) {
      counts.warnings++;
      onWarning?.(outcome.warning);
    }
  }
}
