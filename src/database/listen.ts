import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from 'pino';
import { connectionOptions } from './postgres.ts';

/** The channel on which triggers tell that something has changed. */
export const CHANGED_CHANNEL = 'rosetta_changed';

/** Milliseconds before a lost connection is opened again. */
const RECONNECT_MS = 1000;

/** Stops listening. */
export type StopListening = () => Promise<void>;

/**
 * Listens on a connection of its own, which is opened anew as often as it is lost.
 * @param wake called for every notification, and once whenever the connection stands: some may have come in between.
 */
export function listenOnPostgres(url: string, wake: () => void, log: Logger): StopListening {
  const stop = new AbortController();
  let client: pg.Client | undefined;

  const listenOnce = async () => {
    client = new pg.Client({ ...connectionOptions(url), connectionTimeoutMillis: 5000 });
    const lost = new Promise<Error | undefined>((resolve) => {
      client!.once('error', resolve);
      client!.once('end', () => resolve(undefined));
    });
    try {
      await client.connect();
      client.on('notification', wake);
      await client.query(`LISTEN ${CHANGED_CHANNEL}`);
      wake();
      const error = await lost;
      if (!stop.signal.aborted) {
        log.warn({ reason: error?.message }, 'the connection that listens for changes was lost');
      }
    } finally {
      // One that is broken may say so again.
      client.on('error', () => {});
      await client.end().catch(() => {});
    }
  };

  const listening = (async () => {
    while (!stop.signal.aborted) {
      await listenOnce().catch((error: unknown) => {
        if (!stop.signal.aborted)
          log.warn({ err: error }, 'cannot listen for changes; trying again');
      });
      await sleep(RECONNECT_MS, undefined, { signal: stop.signal }).catch(() => {});
    }
  })();

  return async () => {
    stop.abort();
    await client?.end().catch(() => {});
    await listening;
  };
}
