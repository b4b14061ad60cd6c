import { Socket } from 'node:net';
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
  const { signal } = stop;

  const listenOnce = async () => {
    // It is not asked to end but ended: a server that is paused would not answer.
    const socket = new Socket();
    const hangUp = () => socket.destroy();
    signal.addEventListener('abort', hangUp, { once: true });
    const client = new pg.Client({
      ...connectionOptions(url),
      stream: () => socket,
      connectionTimeoutMillis: 5000,
    });
    const lost = new Promise<Error | undefined>((resolve) => {
      client.on('error', resolve);
      client.once('end', () => resolve(undefined));
    });
    try {
      await client.connect();
      client.on('notification', wake);
      await client.query(`LISTEN ${CHANGED_CHANNEL}`);
      wake();
      const error = await lost;
      if (!signal.aborted) {
        log.warn({ reason: error?.message }, 'the connection that listens for changes was lost');
      }
    } finally {
      signal.removeEventListener('abort', hangUp);
      hangUp();
    }
  };

  const listening = (async () => {
    while (!signal.aborted) {
      await listenOnce().catch((error: unknown) => {
        if (!signal.aborted) log.warn({ err: error }, 'cannot listen for changes; trying again');
      });
      await sleep(RECONNECT_MS, undefined, { signal }).catch(() => {});
    }
  })();

  return async () => {
    stop.abort();
    await listening;
  };
}
