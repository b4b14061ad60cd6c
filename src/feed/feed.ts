import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { readWatermarkOfNow } from '../database/changes.ts';
import type { Database } from '../database/database.ts';
import { onNobodysBehalf } from '../database/request.ts';
import type { Watermark } from '../domain/changes.ts';
import type { GatewayError } from '../domain/errors.ts';
import { createPage, type FeedPage, type FollowedType } from './page.ts';
import { readOn } from './read.ts';

/** Milliseconds between two reads: what many small transactions change is told together. */
const PAUSE_MS = 50;

/** Milliseconds after which changes are read unasked: behind some proxies notifications never arrive. */
const POLL_MS = 5000;

/** See {@link Feed.stallMs}. */
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
   * @throws what the database fails with, or the signal's reason where it has aborted.
   */
  join(member: Member, signal: AbortSignal): Promise<Watermark>;
  /** How many are told of whatever is committed from now on. */
  members(): number;
  /** Ends all members, and lets nobody join any more. */
  end(reason: GatewayError): void;
}

/** Rung by whoever has news, and when the signal aborts. */
function createBell(signal: AbortSignal) {
  let rung = false;
  let onRing: (() => void) | undefined;
  const ring = () => {
    rung = true;
    onRing?.();
  };
  signal.addEventListener('abort', ring, { once: true });
  return {
    ring,
    /** Waits until it is rung, or was since the last wait; at most some milliseconds. */
    async wait(timeoutMs: number) {
      if (!rung) {
        const heard = new AbortController();
        onRing = () => heard.abort();
        await sleep(timeoutMs, undefined, { signal: heard.signal }).catch(() => {});
        onRing = undefined;
      }
      rung = false;
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

  const followedTypes = () => [...new Set([...members].map(({ type }) => type))];

  const endAll = (reason: unknown) => {
    const all = [...members];
    members.clear();
    for (const member of all) member.end(reason);
  };

  async function read(signal: AbortSignal, onStart: (at: () => Watermark) => void): Promise<void> {
    const bell = createBell(signal);
    const stopListening = database.listen(bell.ring);
    try {
      let at = await readWatermarkOfNow(prisma);
      onStart(() => at);
      for (;;) {
        await bell.wait(POLL_MS);
        for (let hasMore = true; hasMore;) {
          const types = followedTypes();
          const page = await readOn(prisma, at, types, signal);
          // Who follows by now is told by another reading.
          signal.throwIfAborted();
          // Who has joined meanwhile for another type has been told of nothing: this page lacks his changes.
          if (followedTypes().some((type) => !types.includes(type))) continue;
          if (page.changes.length > 0) {
            tell(createPage(prisma, page.changes, page.watermark, signal));
          }
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
        log.warn({ err: error, subscriptions: members.size }, 'changes cannot be followed further');
        reading = undefined;
        endAll(error);
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

  function stopReading() {
    reading?.stop.abort();
    reading = undefined;
  }

  return {
    database,
    stallMs,
    async join(member, signal) {
      // Of one who has left already, nobody would hear.
      signal.throwIfAborted();
      if (ended) throw ended;
      members.add(member);
      const leave = () => {
        members.delete(member);
        if (members.size === 0) stopReading();
      };
      signal.addEventListener('abort', leave, { once: true });
      const at = await (reading ?? onNobodysBehalf(start)).started;
      return at();
    },
    members: () => (reading?.hasStarted ? members.size : 0),
    end(reason) {
      ended = reason;
      endAll(reason);
      stopReading();
    },
  };
}
