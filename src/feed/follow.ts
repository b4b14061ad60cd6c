import { laterOf, type Snapshot, type Watermark } from '../domain/changes.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Feed } from './feed.ts';
import { createPage, type FeedPage, type FollowedType } from './page.ts';
import { readAfter, readOn } from './read.ts';

/** How many changes are kept for a consumer; beyond that he reads them himself when he gets there. */
const MAX_WAITING = 10_000;

/** Milliseconds that one who is let go for his slowness gets to hear of it. */
const LAST_WORD_MS = 10_000;

/** Who takes events, one at a time. */
export interface Consumer {
  /** Aborts when he leaves. */
  readonly signal: AbortSignal;
  /** Closes his connection. */
  readonly hangUp: () => void;
  /** When he was handed the event that he is taking; undefined while he waits for one. */
  handedAt: number | undefined;
}

/** The pages that wait for a consumer. */
function createQueue(type: FollowedType, consumer: Consumer, stallMs: number) {
  const { signal, hangUp } = consumer;
  let pages: FeedPage[] = [];
  let waiting = 0;
  let hasOverflowed = false;
  let reason: { error: unknown } | undefined;
  let notify: (() => void) | undefined;
  signal.addEventListener('abort', () => notify?.(), { once: true });

  // Whoever ends goes on from the last watermark, some day: what waits is read anew then.
  const end = (error: unknown) => {
    reason ??= { error };
    pages = [];
    notify?.();
  };
  return {
    type,
    end,
    take(page: FeedPage) {
      if (reason) return;
      if (performance.now() - (consumer.handedAt ?? Infinity) > stallMs) {
        end(
          new GatewayError(
            'SERVICE_UNAVAILABLE',
            `This subscriber reads too slowly: it has taken no event for ${stallMs / 1000} seconds. Subscribe again with the last \`watermark\` as \`after\`.`,
          ),
        );
        const timer = setTimeout(hangUp, LAST_WORD_MS).unref();
        signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
        return;
      }
      waiting += page.changes.length;
      hasOverflowed ||= waiting > MAX_WAITING;
      if (hasOverflowed) pages = [];
      else pages.push(page);
      notify?.();
    },
    hasOverflowed: () => hasOverflowed,
    /** Begins to keep pages anew. */
    reset() {
      [pages, waiting, hasOverflowed] = [[], 0, false];
    },
    /** The next page; undefined where some were not kept, or the consumer has left. @throws why nothing follows. */
    async next(): Promise<FeedPage | undefined> {
      while (!signal.aborted && !hasOverflowed) {
        const page = pages.shift();
        if (page) {
          waiting -= page.changes.length;
          return page;
        }
        if (reason) throw reason.error;
        await new Promise<void>((resolve) => (notify = resolve));
      }
      return undefined;
    },
  };
}

/**
 * Follows the changes of a type, from a watermark or from now on, without leaving any out or telling one twice. What is
 * kept for a consumer is bounded; one who takes nothing at all for some time, while there is something, is let go.
 * @throws GatewayError BAD_USER_INPUT for a watermark of another history, SERVICE_UNAVAILABLE where the following ends; and
 * what the database fails with at the start.
 */
export async function* follow(
  feed: Feed,
  type: FollowedType,
  consumer: Consumer,
  after: Watermark | undefined,
): AsyncGenerator<FeedPage, void> {
  const { prisma } = feed.database;
  const { signal } = consumer;
  const queue = createQueue(type, consumer, feed.stallMs);
  const joined = await feed.join(queue, signal);

  // Where he stands, and what could be seen when he last read himself: others may be told later of what he has read.
  let at = after ?? joined;
  let seen: Snapshot | undefined;
  let mustRead = after !== undefined;
  while (!signal.aborted) {
    if (mustRead) {
      queue.reset();
      for (let hasMore = true; hasMore;) {
        const { changes, watermark, ...rest } =
          at === after
            ? await readAfter(prisma, at, [type])
            : await readOn(prisma, at, [type], signal);
        if (changes.length > 0) yield createPage(prisma, changes, watermark, signal);
        at = watermark;
        hasMore = rest.hasMore;
      }
      seen = at.seen;
    }
    for (let page = await queue.next(); page; page = await queue.next()) {
      const own: FeedPage = seen ? page.after(seen) : page;
      yield own;
      at = own.watermark;
      // All that he has read himself has been told to everybody.
      if (seen && laterOf(seen, page.watermark.seen) !== seen) seen = undefined;
    }
    mustRead = true;
  }
}
