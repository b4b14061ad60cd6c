import DataLoader from 'dataloader';
import {
  aggregateEvidence,
  countEvidence,
  groupEvidence,
  pageOfEvidence,
  type Cell,
  type Evidence,
  type EvidencePage,
} from '../database/evidence.ts';
import type { PrismaClient } from '../database/generated/client/client.ts';
import { minGroupOf } from '../database/small-groups.ts';
import { MAX_GROUPS } from '../domain/lists/group-keys.ts';
import type { Aggregate } from '../domain/lists/measures.ts';
import { fieldsOf, groupingOf, toAggregate, toGroups, type Group } from './measures.ts';
import { once, orError } from './once.ts';

/** Reads rows by their ids, in the order of these. */
type ReadRows = (ids: readonly bigint[]) => Promise<object[]>;

/** What can be asked of the rows behind a number, gathered over all numbers of one field. */
export interface EvidenceLoaders<Values> {
  /** One page of them, in the order they are read. The same page for every number. */
  page(page: EvidencePage, readRows: ReadRows): DataLoader<Cell<Values>, object[], string>;
  /** How many they are. */
  count(number: Cell<Values>): Promise<number>;
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
  const loader = once();
  const aggregate = () =>
    loader('aggregate', [], () =>
      byCell<Values, Aggregate>(async (cells) => {
        const found = await aggregateEvidence(prisma, evidence, cells, fields);
        const nothing: Aggregate = {
          count: 0,
          sum: Object.fromEntries(fields.summed.map((name) => [name, 0n])),
          min: Object.fromEntries(fields.compared.map((name) => [name, null])),
          max: Object.fromEntries(fields.compared.map((name) => [name, null])),
        };
        return (cell) => orError(() => toAggregate(found.get(cell) ?? nothing));
      }),
    );
  const counts = () =>
    loader('count', [], () =>
      byCell<Values, number>(async (cells) => {
        const found = await countEvidence(prisma, evidence, cells);
        return (cell) => found.get(cell) ?? 0;
      }),
    );
  return {
    page: (page, readRows) =>
      loader('page', [], () =>
        byCell(async (cells) => {
          const pages = await pageOfEvidence(prisma, evidence, cells, page);
          // All pages at once: one that was empty and ready before the others would have its count read apart from theirs.
          const ids = [...new Set([...pages.values()].flat())];
          const read = await readRows(ids);
          const rows = new Map(ids.map((id, index) => [id, read[index]!]));
          return (cell) => pages.get(cell)!.map((id) => rows.get(id)!);
        }),
      ),
    // One statement tells all, but to those whom it may tell the length of the list only.
    count: async (number) =>
      minGroupOf(prisma) === undefined
        ? (await aggregate().load(number)).count
        : counts().load(number),
    aggregate,
    groups: (keys) =>
      loader('groups', [keys], () =>
        byCell(async (cells) => {
          const grouping = { ...groupingOf(noun, keys), limit: MAX_GROUPS + 1 };
          const found = await groupEvidence(prisma, evidence, cells, fields, grouping);
          return (cell) => orError(() => toGroups(keys, found.get(cell)!));
        }),
      ),
  };
}
