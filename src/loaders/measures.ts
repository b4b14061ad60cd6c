import DataLoader from 'dataloader';
import {
  aggregateRanges,
  aggregateRows,
  groupRanges,
  groupRows,
  type AggregateRow,
  type GroupRow,
  type GroupValue,
  type MeasuredFields,
} from '../database/aggregates.ts';
import type { PrismaClient } from '../database/generated/client/client.ts';
import type { Range, RangeKey } from '../database/ranges.ts';
import { allTold } from '../database/small-groups.ts';
import { GROUP_KEYS, MAX_GROUPS, tooManyGroups } from '../domain/lists/group-keys.ts';
import { MEASURES, type Aggregate } from '../domain/lists/measures.ts';
import type { Where } from '../domain/lists/where.ts';
import type { Noun } from '../domain/nouns.ts';
import { orError } from './once.ts';

/** The rows of a group: what they have in common, by the names of the keys, and what was found out about them. */
export interface Group {
  readonly keys: Readonly<Record<string, GroupValue>>;
  readonly aggregate: Aggregate;
}

/** What is measured of a noun's rows. */
export function fieldsOf(noun: Noun): MeasuredFields {
  const { numbers, instants } = MEASURES[noun];
  return { summed: numbers, compared: [...numbers, ...instants] };
}

/** How a noun's rows are put into groups. */
export function groupingOf(noun: Noun, keys: readonly string[]) {
  // One more than is allowed tells that there are more.
  return { by: keys.map((name) => GROUP_KEYS[noun][name]!), limit: MAX_GROUPS + 1 };
}

/** The groups that were read, by the names of their keys. */
export function toGroups(keys: readonly string[], rows: readonly GroupRow[]): Group[] {
  if (rows.length > MAX_GROUPS) throw tooManyGroups();
  return allTold(rows).map(({ values, ...aggregate }) => ({
    keys: Object.fromEntries(keys.map((name, index) => [name, values[index]!])),
    aggregate,
  }));
}

/** What rows come to. @throws GatewayError (FORBIDDEN) where that may not be told. */
export function toAggregate(row: AggregateRow): Aggregate {
  return allTold([row])[0]!;
}

/** Aggregates a whole list of a noun. */
export async function aggregateList(
  prisma: PrismaClient,
  noun: Noun,
  where: Where | undefined,
): Promise<Aggregate> {
  return toAggregate(await aggregateRows(prisma, { model: noun, where }, fieldsOf(noun)));
}

/** Groups a whole list of a noun. */
export async function groupList(
  prisma: PrismaClient,
  noun: Noun,
  where: Where | undefined,
  keys: readonly string[],
): Promise<Group[]> {
  const rows = { model: noun, where };
  return toGroups(keys, await groupRows(prisma, rows, fieldsOf(noun), groupingOf(noun, keys)));
}

/** A loader of the aggregates of lists that hang on other rows. */
export function aggregateByKey(
  prisma: PrismaClient,
  noun: Noun,
  range: Range,
  where: Where | undefined,
): DataLoader<RangeKey, Aggregate> {
  return new DataLoader(async (parents) => {
    const rows = { model: noun, where };
    const found = await aggregateRanges(prisma, range, parents, rows, fieldsOf(noun));
    return parents.map((parent) => orError(() => toAggregate(found.get(parent)!)));
  });
}

/** A loader of the groups of lists that hang on other rows. */
export function groupsByKey(
  prisma: PrismaClient,
  noun: Noun,
  range: Range,
  where: Where | undefined,
  keys: readonly string[],
): DataLoader<RangeKey, Group[]> {
  return new DataLoader(async (parents) => {
    const rows = { model: noun, where };
    const grouping = groupingOf(noun, keys);
    const found = await groupRanges(prisma, range, parents, rows, fieldsOf(noun), grouping);
    return parents.map((parent) => orError(() => toGroups(keys, found.get(parent)!)));
  });
}
