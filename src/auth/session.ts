import { GatewayError } from '../domain/errors.ts';
import type { Session } from '../domain/session.ts';
import type { Viewer } from '../domain/viewer.ts';
import type { FindKey } from './key-finder.ts';
import { isLive, viewerOf, type AccessKey } from './keys.ts';

/** Milliseconds between two looks whether a session still holds. */
const RECHECK_MS = 2500;

/**
 * Begins a session.
 * @param budget points a minute; 0: without end.
 * @param isOver whether it has ended; where it fails, that cannot be told now.
 */
export function createSession(
  viewer: Viewer,
  budget: number,
  isOver: () => boolean | Promise<boolean>,
): Session {
  const watchers = new Set<(reason: GatewayError) => void>();
  let timer: NodeJS.Timeout | undefined;

  const look = async () => {
    if (!(await isOver())) return;
    const reason = new GatewayError(
      'UNAUTHENTICATED',
      'The key or token that this was asked with has expired or was revoked.',
    );
    const ended = [...watchers];
    watchers.clear();
    clearInterval(timer);
    for (const end of ended) end(reason);
  };

  return {
    viewer,
    budget: budget === 0 ? undefined : budget,
    watch(onEnd) {
      if (watchers.size === 0) {
        // A database that is away ends nobody's session: it is asked again.
        timer = setInterval(() => void look().catch(() => {}), RECHECK_MS).unref();
      }
      watchers.add(onEnd);
      return () => {
        watchers.delete(onEnd);
        if (watchers.size === 0) clearInterval(timer);
      };
    },
  };
}

/** Begins the session of a caller who has shown that a key is his. */
export type BeginSession = (key: AccessKey) => Session;

/** @param budget of keys that have none of their own. */
export function keySessions(findKey: FindKey, budget: number): BeginSession {
  /** Those begun, as long as what was found of their keys is remembered. */
  const sessions = new WeakMap<AccessKey, Session>();
  return (key) => {
    let session = sessions.get(key);
    if (!session) {
      session = createSession(viewerOf(key), key.budget ?? budget, async () => {
        const now = await findKey(key.id);
        return now === null || !isLive(now);
      });
      sessions.set(key, session);
    }
    return session;
  };
}
