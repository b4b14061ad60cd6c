import DataLoader from 'dataloader';
import type { ChangeRead } from '../database/changes.ts';
import type { PrismaClient } from '../database/generated/client/client.ts';
import { matchingIds } from '../database/matching.ts';
import {
  CHANGE_RANKS,
  isSeen,
  laterOf,
  NOUN_OF_TYPE,
  type Snapshot,
  type Watermark,
} from '../domain/changes.ts';
import type { Where } from '../domain/lists/where.ts';
import { once } from '../loaders/once.ts';
import { patiently } from './patience.ts';

/** The types whose changes can be followed. */
export type FollowedType = 'task' | 'annotationHistory';

/** How many filters one statement tries. */
const MAX_FILTERS = 100;

/**
 * Changes that were read together. What followers find out about them is found out once, however many they are: with
 * patience, since a change that could not be told would be lost.
 */
export interface FeedPage {
  readonly changes: readonly ChangeRead[];
  /** The changes that made or changed a row of a type which fulfils a condition now. */
  matching(type: FollowedType, where: Where | undefined): Promise<readonly ChangeRead[]>;
  /** Does something once for all that name it alike. */
  once<T>(name: string, args: readonly unknown[], work: () => Promise<T>): Promise<T>;
  /** Where who has been told of them stands. */
  readonly watermark: Watermark;
  /** The page for one who has been told of all that could be seen at a moment. */
  after(seen: Snapshot): FeedPage;
}

export function createPage(
  prisma: PrismaClient,
  changes: readonly ChangeRead[],
  watermark: Watermark,
  signal: AbortSignal,
): FeedPage {
  const made = once();
  const upserts = (type: FollowedType) =>
    made('upserts', [type], () => {
      const rank = CHANGE_RANKS.findIndex((one) => one.type === type && one.kind === 'UPSERTED');
      return changes.filter((change) => change.rank === rank);
    });
  const find = (type: FollowedType, wheres: readonly Where[]) => {
    const ids = upserts(type).map(({ id }) => BigInt(id));
    return matchingIds(prisma, NOUN_OF_TYPE[type], ids, wheres);
  };
  const findTogether = (type: FollowedType) =>
    made('filters', [type], () => {
      const read = (wheres: readonly Where[]) => patiently(() => find(type, wheres), signal, 1);
      return new DataLoader<Where, Set<string>, string>(read, {
        maxBatchSize: MAX_FILTERS,
        cache: false,
      });
    });
  const findAlone = async (type: FollowedType, where: Where) => {
    const [fits] = await patiently(() => find(type, [where]), signal);
    return fits!;
  };
  const page: FeedPage = {
    changes,
    async matching(type, where) {
      const candidates = upserts(type);
      if (where === undefined || candidates.length === 0) return candidates;
      return made('matching', [type, where], async () => {
        const fits = await findTogether(type)
          .load(where)
          // What is wrong with one filter, or too slow, is for those to bear who gave it.
          .catch(() => findAlone(type, where));
        return candidates.filter(({ id }) => fits.has(id));
      });
    },
    once: (name, args, work) => made(`${name} of the page`, args, () => patiently(work, signal)),
    watermark,
    after(seen) {
      // What all have found out about the page holds for it.
      const start = changes[0]?.watermark ?? watermark;
      if (laterOf(start.seen, seen) !== seen) return page;
      const since = <W extends Watermark>(one: W): W => ({ ...one, seen: laterOf(seen, one.seen) });
      const unseen = changes
        .filter(({ number }) => !isSeen(number, seen))
        .map((change) => ({ ...change, watermark: since(change.watermark) }));
      const isBehind = laterOf(seen, watermark.within?.upTo ?? watermark.seen) === seen;
      const { history } = watermark;
      return createPage(prisma, unseen, isBehind ? { history, seen } : since(watermark), signal);
    },
  };
  return page;
}
