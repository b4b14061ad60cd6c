import type { IncomingHttpHeaders } from 'node:http';
import type { Account } from '../domain/budget/account.ts';
import { IDEMPOTENCY_KEY, isIdempotencyKey } from '../domain/idempotency.ts';
import type { Viewer } from '../domain/viewer.ts';
import { INVALID_PARAMETER, verdictOfStatus, type Verdict } from './envelope.ts';
import { headerOf } from './http.ts';
import { parseQueryString } from './query-string.ts';
import { pathsOf } from './routes.ts';

/** What an import is asked for, the body aside. */
interface ImportTerms {
  /** How the body is packed; undefined where it is not. */
  readonly packing: 'gzip' | 'br' | undefined;
  readonly ignoreUnknown: boolean;
  readonly atomic: boolean;
  /** The key under which the request may be repeated. */
  readonly key: string | undefined;
}

export interface ImportRequest extends ImportTerms {
  /** Who imports. */
  readonly viewer: Viewer;
  /** What it is charged to. */
  readonly account: Account;
  /** As it is sent. Breaks off with an `UnreadBodyError`. */
  readonly body: AsyncIterable<Uint8Array>;
  readonly requestId: string;
}

/** What an import is answered with. */
export interface ImportAnswer {
  readonly verdict: Verdict;
  readonly data?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Imports a body. Never rejects: whatever went wrong is in the answer. */
export type ImportBody = (request: ImportRequest) => Promise<ImportAnswer>;

export const IMPORT_PATH = '/import';
const PATHS: ReadonlySet<string> = new Set(pathsOf(IMPORT_PATH));

export function isImportPath(path: string): boolean {
  return PATHS.has(path);
}

const PACKINGS: ReadonlyMap<string, ImportTerms['packing']> = new Map([
  ['', undefined],
  ['identity', undefined],
  ['gzip', 'gzip'],
  ['br', 'br'],
]);

/** Reads `true` or `false`; false where the argument is absent, undefined where it is anything else. */
function readSwitch(query: ReadonlyMap<string, string[]>, name: string): boolean | undefined {
  const [value = 'false', ...others] = query.get(name) ?? [];
  if (others.length > 0) return undefined;
  return value === 'true' ? true : value === 'false' ? false : undefined;
}

/** Reads what is asked for, or why that cannot be done. */
export function readImport(
  headers: IncomingHttpHeaders,
  queryString: string,
): ImportTerms | Omit<ImportAnswer, 'data'> {
  const query = parseQueryString(queryString);
  const ignoreUnknown = query && readSwitch(query, 'ignoreUnknown');
  const atomic = query && readSwitch(query, 'atomic');
  if (ignoreUnknown === undefined || atomic === undefined) return { verdict: INVALID_PARAMETER };
  const encoding = (headers['content-encoding'] ?? '').trim().toLowerCase();
  if (!PACKINGS.has(encoding)) {
    return { verdict: verdictOfStatus(415), headers: { 'Accept-Encoding': 'gzip, br' } };
  }
  const key = headerOf({ headers }, IDEMPOTENCY_KEY);
  if (key !== undefined && !isIdempotencyKey(key)) return { verdict: verdictOfStatus(400) };
  return { packing: PACKINGS.get(encoding), ignoreUnknown, atomic, key };
}
