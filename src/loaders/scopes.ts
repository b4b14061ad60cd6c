import DataLoader from 'dataloader';
import type { RangeKey } from '../database/ranges.ts';
import { allTold, type Judged } from '../database/small-groups.ts';
import { orError } from './once.ts';

/**
 * A loader of a measure of scopes, read for all of them in one statement.
 * @param toMeasure makes it of a scope's rows, in their order; what it throws belongs to that scope alone.
 */
export function byScope<Row extends Judged & { readonly parent: RangeKey }, Measure>(
  read: (parents: readonly RangeKey[]) => Promise<Row[]>,
  toMeasure: (rows: readonly Row[]) => Measure,
): DataLoader<RangeKey, Measure> {
  return new DataLoader(async (parents) => {
    const found = new Map<RangeKey, Row[]>(parents.map((parent) => [parent, []]));
    for (const row of await read(parents)) found.get(row.parent)!.push(row);
    return parents.map((parent) => orError(() => toMeasure(allTold(found.get(parent)!))));
  });
}
