import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/** How long a server gets to end a statement before its connection is given up. */
const GIVE_UP_MS = 2000;
/** After which it is asked again: it hears nothing before it has taken the statement up. */
const AGAIN_MS = 100;

/** What the driver has for a connection that only asks for an end, and its types do not tell. */
interface CancelConnection extends pg.Connection {
  connect(port: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
}
interface Cancellable extends pg.Client {
  readonly sslNegotiation: string;
  readonly processID: number;
  readonly secretKey: number;
}

/**
 * Asks the server to end the statement that is under way on a connection, if there is one, by a connection of its own.
 * When that is closed the server has passed it on: what is sent on the first connection later, it does not hit.
 */
async function requestCancel(client: pg.Client, signal: AbortSignal): Promise<void> {
  const { host, port, ssl, sslNegotiation, processID, secretKey } = client as Cancellable;
  const connection = new pg.Connection({ ssl, sslNegotiation } as object) as CancelConnection;
  const ask = () => connection.cancel(processID, secretKey);
  connection.once('sslconnect', ask);
  connection.once('connect', () => {
    if (!ssl) ask();
    else if (sslNegotiation !== 'direct') connection.requestSsl();
  });
  // Whoever waits is told by `once`; later nobody does, and an error that nobody listens to ends the process.
  connection.on('error', () => {});
  const ended = once(connection, 'end', { signal });
  if (host.startsWith('/')) connection.connect(`${host}/.s.PGSQL.${port}`);
  else connection.connect(port, host);
  try {
    await ended;
  } finally {
    connection.stream.destroy();
  }
}

/**
 * Makes what ends the statements that are under way on a connection. It settles when they have ended and the connection is as
 * good as before, or is ended itself, which a server brings about that does not listen.
 */
export function stopper(client: pg.Client): () => Promise<void> {
  const query = client.query.bind(client);
  const stop = async () => {
    const tooLate = new AbortController();
    const giveUp = () => {
      tooLate.abort();
      void client.end();
    };
    const timer = setTimeout(giveUp, GIVE_UP_MS);
    // The driver sends it when all before it have ended, to the last word of the server's.
    const ended = query('').then(() => {}, giveUp);
    try {
      let isOver = false;
      while (!isOver) {
        await requestCancel(client, tooLate.signal);
        isOver = await Promise.race([ended.then(() => true), sleep(AGAIN_MS, false)]);
      }
    } catch {
      giveUp();
    }
    await ended;
    clearTimeout(timer);
  };
  let stopping: Promise<void> | undefined;
  return () => (stopping ??= stop().finally(() => (stopping = undefined)));
}
