import { ENTITY_TYPES } from '../domain/entities.ts';
import type { EntityOutcome, GivenEntity } from '../import/entities.ts';
import type { ImportSummary } from '../import/import.ts';
import { emptySummary } from '../import/summary.ts';
import type { Metrics } from '../metrics/metrics.ts';

type Counter = Pick<Metrics, 'rowsImported'>;

/** Counts what became of entities that were imported together; not those that were right and are not written. */
export function countEntities(
  metrics: Counter,
  entities: readonly GivenEntity[],
  outcomes: readonly EntityOutcome[],
): void {
  outcomes.forEach(({ decision }, index) => {
    if (decision !== 'notWritten') metrics.rowsImported(entities[index]!.type, decision, 1);
  });
}

/** Makes what counts the rows of an import as it goes on, from what it has done so far. */
export function rowCounter(metrics: Counter): (summary: ImportSummary) => void {
  let counted = emptySummary();
  return (summary) => {
    let typeless = summary.rejected - counted.rejected;
    for (const type of ENTITY_TYPES) {
      const [now, before] = [summary.types[type], counted.types[type]];
      const count = (outcome: 'created' | 'updated' | 'stale' | 'rejected') => {
        metrics.rowsImported(type, outcome, now[outcome] - before[outcome]);
      };
      count('created');
      count('updated');
      count('stale');
      count('rejected');
      // The stale ones are among them.
      const unchanged = now.unchanged - now.stale - (before.unchanged - before.stale);
      metrics.rowsImported(type, 'unchanged', unchanged);
      typeless -= now.rejected - before.rejected;
    }
    metrics.rowsImported('unknown', 'rejected', typeless);
    counted = structuredClone(summary);
  };
}
