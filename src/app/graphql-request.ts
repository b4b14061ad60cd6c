import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { ErrorCode } from '../domain/errors.ts';
import { parseQueryString, readBody, splitTarget, type UnreadBody } from '../rest/rest.ts';

/** Milliseconds a body may take to arrive. */
export const BODY_TIMEOUT_MS = 30_000;

/** Why a request is not handed on: its body could not be read, or what it says is wrong. */
export type Refusal = { unread: UnreadBody } | { status: 400 | 415; message: string };

/** The parameters of a GET that hold JSON. */
const JSON_PARAMETERS = ['variables', 'extensions'];

function checkQuery(query: string): Refusal | undefined {
  if (query === '') return undefined;
  const parameters = parseQueryString(query);
  if (!parameters)
    return { status: 400, message: 'The query string is not percent-encoded UTF-8.' };
  for (const name of JSON_PARAMETERS) {
    for (const text of parameters.get(name) ?? []) {
      try {
        JSON.parse(text);
      } catch {
        return { status: 400, message: `The parameter "${name}" is not JSON.` };
      }
    }
  }
  return undefined;
}

/** The media types of what is executed. A page of any host can send others, forms among them, without asking a browser's leave. */
const JSON_TYPES: ReadonlySet<string | undefined> = new Set([
  'application/json',
  'application/graphql+json',
]);

/**
 * Makes of a request for `/graphql` what Yoga can be given. Yoga builds a URL of the Host header, whatever is in it, and
 * puts U+FFFD where bytes are no UTF-8, which finds another row; it also checks a body's size at twice the cost.
 * @returns why the request is refused, if it is.
 */
export async function prepareGraphQLRequest(
  req: IncomingMessage & { body?: string },
  maxBytes: number,
): Promise<Refusal | undefined> {
  const { path, query } = splitTarget(req.url ?? '/');
  const refusal = checkQuery(query);
  if (refusal) return refusal;
  req.url = query === '' ? path : `${path}?${query}`;
  req.headers.host = 'gateway';
  if (req.method !== 'POST') return undefined;
  const contentType = req.headers['content-type']?.split(';', 1)[0]!.trim().toLowerCase();
  if (!JSON_TYPES.has(contentType)) {
    return {
      status: 415,
      message: 'An operation is sent as JSON: with Content-Type: application/json.',
    };
  }
  // Media types have no case; Yoga's look-up has.
  req.headers['content-type'] = contentType;
  const bytes = await readBody(req, { maxBytes, timeoutMs: BODY_TIMEOUT_MS });
  if (typeof bytes === 'number') return { unread: bytes };
  if (!isUtf8(bytes)) return { status: 400, message: 'The body is not UTF-8.' };
  req.body = bytes.toString();
  return undefined;
}

/** What a request that is not executed is answered with, in GraphQL's form. */
export function renderGraphQLError(code: ErrorCode, message: string): string {
  return JSON.stringify({ errors: [{ message, extensions: { code } }] });
}
