import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { readChanges, readWatermarkOfNow } from '../database/changes.ts';
import type { Database } from '../database/database.ts';
import { scopeOfTypes, type Watermark } from '../domain/changes.ts';
import { GatewayError } from '../domain/errors.ts';
import { createPage, type FeedPage, type FollowedType } from './page.ts';
import { patiently } from './patience.ts';

/** How many changes are read at once. */
const PAGE_SIZE = 1000;

/** Milliseconds between two reads: what many small transactions change is told together. */
const PAUSE_MS = 50;

/** Milliseconds after which changes are read unasked: behind some proxies notifications never arrive. */
const POLL_MS = 5000;

const STALL_MS = 30_000;

/** Who is told what changes. */
export interface Member {
  readonly type: FollowedType;
  take(page: FeedPage): void;
  /** Nothing follows, for a reason. */
  end(reason: unknown): void;
}

/** What changes in the database, read once for all who follow it; nothing is read while nobody does. */
export interface Feed {
  readonly database: Database;
  /** Milliseconds after which one who has been handed an event and asks for no other, while there are some, is let go. */
  readonly stallMs: number;
  /**
   * Tells a member of all that is committed from now on, until the signal aborts.
   * @returns the watermark after which it is told.
   * @throws what the database fails with.
   */
  join(member: Member, signal: AbortSignal): Promise<Watermark>;
  /** How many are told of whatever is committed from now on. */
  members(): number;
  /** Ends all members, and lets nobody join any more. */
  end(reason: GatewayError): void;
}

/** Rung by whoever has news. */
function createBell() {
  let rung = false;
  let onRing: (() => void) | undefined;
  return {
    ring: () => {
      rung = true;
      onRing?.();
    },
    /** Waits until it is rung, or was since the last wait; at most some milliseconds. */
    async wait(timeoutMs: number, signal: AbortSignal) {
      if (!rung) {
        const heard = new AbortController();
        onRing = () => heard.abort();
        await sleep(timeoutMs, undefined, {
          signal: AbortSignal.any([heard.signal, signal]),
        }).catch(() => {});
        onRing = undefined;
      }
      rung = false;
      signal.throwIfAborted();
    },
  };
}

export function createFeed(database: Database, log: Logger, stallMs = STALL_MS): Feed {
  const { prisma } = database;
  const members = new Set<Member>();
  let ended: GatewayError | undefined;
  /** The reading under way, and where it stands once it has begun. */
  let reading:
    { stop: AbortController; started: Promise<() => Watermark>; hasStarted: boolean } | undefined;

  const tell = (page: FeedPage) => {
    for (const member of members) member.take(page);
  };

  const endAll = (reason: unknown) => {
    const all = [...members];
    members.clear();
    for (const member of all) member.end(reason);
  };

  async function read(signal: AbortSignal, onStart: (at: () => Watermark) => void): Promise<void> {
    const bell = createBell();
    const stopListening = database.listen(bell.ring);
    try {
      let at = await readWatermarkOfNow(prisma);
      onStart(() => at);
      for (;;) {
        await bell.wait(POLL_MS, signal);
        for (let hasMore = true; hasMore;) {
          const types = [...new Set([...members].map(({ type }) => type))];
          const from = at;
          const page = await patiently(
            () => readChanges(prisma, from, scopeOfTypes(types), PAGE_SIZE),
            signal,
          );
          if (page.changes.length > 0)
            tell(createPage(prisma, page.changes, page.watermark, signal));
          at = page.watermark;
          hasMore = page.hasMore;
        }
        await sleep(PAUSE_MS, undefined, { signal });
      }
    } finally {
      await stopListening();
    }
  }

  function start() {
    const stop = new AbortController();
    const started = new Promise<() => Watermark>((resolve, reject) => {
      read(stop.signal, resolve).catch((error: Error) => {
        reject(error);
        if (stop.signal.aborted) return;
        reading = undefined;
        // A history that has gone on elsewhere can be read from its start only, which is what nobody asked for.
        const isForeign = error instanceof GatewayError && error.code === 'BAD_USER_INPUT';
        if (isForeign) log.warn('the history of changes has begun anew; subscriptions are ended');
        endAll(
          isForeign
            ? new GatewayError(
                'SERVICE_UNAVAILABLE',
                'The database was restored or emptied: read anew what you show, and subscribe again.',
              )
            : error,
        );
      });
    });
    const own = { stop, started, hasStarted: false };
    // Whoever joins waits for it; where nobody does any more, its failure is no loss.
    started.then(
      () => (own.hasStarted = true),
      () => {},
    );
    reading = own;
    return own;
  }

  return {
    database,
    stallMs,
    async join(member, signal) {
      if (ended) throw ended;
      members.add(member);
      const leave = () => {
        members.delete(member);
        if (members.size > 0) return;
        reading?.stop.abort();
        reading = undefined;
      };
      signal.addEventListener('abort', leave, { once: true });
      const at = await (reading ?? start()).started;
      return at();
    },
    members: () => (reading?.hasStarted ? members.size : 0),
    end(reason) {
      ended = reason;
      endAll(reason);
      reading?.stop.abort();
      reading = undefined;
    },
  };
}
