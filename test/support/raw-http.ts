import { connect } from 'node:net';
import { expect } from 'vitest';

/** One answer as it came over the connection. */
export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** Milliseconds after which a connection that has nothing more to say counts as left open. */
const OPEN_LIMIT_MS = 20_000;

/**
 * Sends bytes as they are, and gives the answers that came back until the gateway closed the connection.
 * @param options.isOpen whether our side stays open after the bytes.
 */
export async function converse(
  port: number,
  bytes: string | Uint8Array,
  { isOpen = false } = {},
): Promise<RawAnswer[]> {
  const text = await new Promise<string>((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, '127.0.0.1');
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`The connection was left open after ${JSON.stringify(String(bytes))}.`));
    }, OPEN_LIMIT_MS);
    socket.on('data', (chunk) => chunks.push(chunk));
    // A reset is followed by the close.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks).toString());
    });
    if (isOpen) socket.write(bytes);
    else socket.end(bytes);
  });
  return text
    .split(/(?=HTTP\/1\.[01] \d{3} )/)
    .filter((part) => part !== '' && !part.startsWith('HTTP/1.1 100 '))
    .map((part) => {
      const end = part.indexOf('\r\n\r\n');
      return {
        status: Number(part.slice(9, 12)),
        head: part.slice(0, end),
        body: part.slice(end + 4),
      };
    });
}

/** What no header of an answer may say: something that a request has put there. */
const INJECTED = /\r\n(set-cookie|x-injected)/i;

/** What no answer may tell of the gateway's insides. */
const INSIDES = /node_modules|\.[jt]s:\d|\n\s+at |[Pp]risma|SELECT "|TypeError|RangeError|ERR_/;

/** Expects an answer that is in order and calls nothing a fault of the gateway. */
export function expectOrderly({ status, head, body }: RawAnswer, about: string): void {
  expect(status, about).toBeGreaterThanOrEqual(200);
  expect(status, `${about}\n${head}\n${body}`).toBeLessThan(500);
  expect(head, about).not.toMatch(INJECTED);
  // GraphiQL's page is a program, with words of its own.
  if (!/content-type: text\/html/i.test(head)) expect(body, about).not.toMatch(INSIDES);
  if (status !== 101) expect(head, about).toMatch(/\r\nx-request-id: [0-9a-f]{32}(\r\n|$)/i);
}
