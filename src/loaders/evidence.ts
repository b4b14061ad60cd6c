import DataLoader from 'dataloader';
import {
  aggregateEvidence,
  groupEvidence,
  pageOfEvidence,
  type Cell,
  type Evidence,
  type EvidencePage,
} from '../database/evidence.ts';
import type { PrismaClient } from '../database/generated/client/client.ts';
import { MAX_GROUPS } from '../domain/lists/group-keys.ts';
import type { Aggregate } from '../domain/lists/measures.ts';
import { fieldsOf, groupingOf, toGroups, type Group } from './measures.ts';

/** Reads rows by their ids, in the order of these. */
type ReadRows = (ids: readonly bigint[]) => Promise<object[]>;

/** What can be asked of the rows behind a number, gathered over all numbers of one field. */
export interface EvidenceLoaders<Values> {
  /** One page of them, in the order of the reading. The same page for every number. */
  page(page: EvidencePage, read: ReadRows): DataLoader<Cell<Values>, object[], string>;
  aggregate(): DataLoader<Cell<Values>, Aggregate, string>;
  groups(keys: readonly string[]): DataLoader<Cell<Values>, Group[], string>;
}

function byCell<Values, T>(
  read: (cells: readonly Cell<Values>[]) => Promise<(cell: string) => T | Error>,
): DataLoader<Cell<Values>, T, string> {
  return new DataLoader<Cell<Values>, T, string>(
    async (cells) => {
      const find = await read(cells);
      return cells.map(({ cell }) => find(cell));
    },
    { cacheKeyFn: ({ cell }) => cell },
  );
}

export function evidenceLoaders<Values>(
  prisma: PrismaClient,
  evidence: Evidence<Values>,
): EvidenceLoaders<Values> {
  const noun = evidence.model;
  const fields = fieldsOf(noun);
  const made = new Map<string, unknown>();
  const once = <T>(name: string, create: () => T): T => {
    if (!made.has(name)) made.set(name, create());
    return made.get(name) as T;
  };
  return {
    page: (page, read) =>
      once('page', () =>
        byCell(async (cells) => {
          const ids = await pageOfEvidence(prisma, evidence, cells, page);
          // All pages are done together, empty ones too: what is asked of the numbers next is one batch again.
          const pages = await Promise.all(
            [...ids].map(async ([cell, some]) => [cell, await read(some)] as const),
          );
          const rows = new Map(pages);
          return (cell) => rows.get(cell)!;
        }),
      ),
    aggregate: () =>
      once('aggregate', () =>
        byCell(async (cells) => {
          const found = await aggregateEvidence(prisma, evidence, cells, fields);
          const nothing: Aggregate = {
            count: 0,
            sum: Object.fromEntries(fields.summed.map((name) => [name, 0n])),
            min: Object.fromEntries(fields.compared.map((name) => [name, null])),
            max: Object.fromEntries(fields.compared.map((name) => [name, null])),
          };
          return (cell) => found.get(cell) ?? nothing;
        }),
      ),
    groups: (keys) =>
      once(JSON.stringify(keys), () =>
        byCell(async (cells) => {
          const grouping = { ...groupingOf(noun, keys), limit: MAX_GROUPS + 1 };
          const found = await groupEvidence(prisma, evidence, cells, fields, grouping);
          return (cell) => {
            try {
              return toGroups(keys, found.get(cell)!);
            } catch (error) {
              // It belongs to this number alone.
              return error as Error;
            }
          };
        }),
      ),
  };
}
