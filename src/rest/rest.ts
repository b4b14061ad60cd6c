import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Account } from '../domain/budget/account.ts';
import { GatewayError, type ErrorCode } from '../domain/errors.ts';
import type { Session } from '../domain/session.ts';
import { parseBody, readBody, streamBody } from './body.ts';
import {
  INVALID_PARAMETER,
  SUCCESS,
  verdictOfError,
  verdictOfStatus,
  type Stamp,
  type Verdict,
} from './envelope.ts';
import {
  EXPORTS_BY_PATH,
  readExport,
  refuseExport,
  type ExportProgress,
  type ExportRequest,
  type ExportRows,
} from './export.ts';
import { allowAnyTime, refuseBody, writeEnvelope } from './http.ts';
import { IMPORT_PATH, isImportPath, readImport, type ImportBody } from './import.ts';
import { exactJson } from './json.ts';
import { parseQueryString } from './query-string.ts';
import { tellHeader } from './response.ts';
import { ResponseStream } from './response-stream.ts';
import { ROUTES, type Route } from './routes.ts';

export { readBody, streamBody, UnreadBodyError, type UnreadBody } from './body.ts';
export {
  allowAnyTime,
  answerClientError,
  headerOf,
  refuseBody,
  SECURITY_HEADERS,
  writeFailure,
  writeJson,
} from './http.ts';
export { renderEnvelope, SUCCESS, verdictOfError, verdictOfStatus } from './envelope.ts';
export { GatewayResponse, tellHeader } from './response.ts';
export { isImportPath } from './import.ts';
export {
  MEDIA_TYPES,
  refuseExport,
  type ExportRefusal,
  type ExportProgress,
  type ExportRequest,
  type ExportRows,
} from './export.ts';
export type { ImportAnswer, ImportBody, ImportRequest } from './import.ts';
export { parseQueryString } from './query-string.ts';
export { ReaderStalledError, type ResponseStream } from './response-stream.ts';
export { REST_DOCUMENTS } from './routes.ts';

/** A request that was let in. */
export interface Asked {
  readonly requestId: string;
  /** Who asks. */
  readonly session: Session;
  /** What it is charged to. */
  readonly account: Account;
  /** The body of an import, where it was put aside to find out who asks. */
  readonly body?: AsyncIterable<Uint8Array> | undefined;
}

/** A document to execute. */
export type Executable = Pick<Route, 'document' | 'operationName' | 'isPlain'>;

/** What a document came to: GraphQL's data, or in the plain form the JSON texts of its parts. */
export type Executed = { data: Record<string, unknown> } | { errorCode: ErrorCode };

/** Executes a GraphQL document. Never rejects: whatever went wrong is one of the codes. */
export type ExecuteDocument = (
  executable: Executable,
  variables: Record<string, unknown>,
  asked: Asked,
) => Promise<Executed>;

export interface RestOptions {
  /** The IANA time zone of `date` and `created_time`. */
  readonly timeZone: string;
  readonly maxBodyBytes: number;
  readonly execute: ExecuteDocument;
  /** Imports what is sent to `/import`; absent where nothing is taken in. */
  readonly importBody?: ImportBody | undefined;
  readonly exportRows: ExportRows;
  /** Milliseconds a body may take to arrive, or, where it is imported, its sender may be silent. */
  readonly bodyTimeoutMs?: number;
  /** Ends bodies that are imported, which could go on for ever. */
  readonly stopping: AbortSignal;
  /** Milliseconds the reader of an export may take for what was written at once. */
  readonly stallTimeoutMs?: number;
}

/** What the log says about an answer. */
export interface RestOutcome {
  /** The route's path without the base path, or `unknown`. */
  readonly route: string;
  readonly status: number;
  /** The envelope's code. */
  readonly code: number;
  /** A page size that was cut to the route's maximum. */
  readonly warning?: { readonly asked: number; readonly served: number };
}

/** What a request is answered with, before anything is written. */
interface Answer {
  readonly route: string;
  readonly verdict: Verdict;
  /** The JSON text of what the route answers. */
  readonly data?: string;
  /** What a list route was asked for and serves, where that much could be read. */
  readonly pageSize?: { readonly asked: number; readonly served: number };
  /** Headers of its own: the method that would have been right, for instance. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether the body was given up on before its end. */
  readonly bodyIsUnread?: boolean;
  /** Whether the answer is out already. */
  readonly isSent?: boolean;
}

/**
 * The REST routes as a handler of Node's requests. It answers every request it is given, with an envelope, and rejects
 * only on a bug of its own. `X-Request-Id` must have been told to the response. How far an export is, `progress` says meanwhile.
 */
export function createRest(
  options: RestOptions,
): (
  req: IncomingMessage,
  res: ServerResponse,
  asked: Asked,
  progress?: ExportProgress,
) => Promise<RestOutcome> {
  const { timeZone, execute } = options;
  const limits = {
    maxBytes: options.maxBodyBytes,
    timeoutMs: options.bodyTimeoutMs ?? 30_000,
  };
  const stallTimeoutMs = options.stallTimeoutMs ?? 60_000;

  return async (req, res, asked, progress = {}) => {
    // Deciding comes first, and is waited for: an answer that is written before the first await has been sent, and
    // reported as sent, before a caller that waits for the outcome knows it.
    const answer = await decide(req, res, asked, progress);
    const { route, verdict, data, pageSize, headers = {}, bodyIsUnread, isSent } = answer;
    if (isSent) return { route, status: verdict.status, code: verdict.code };
    if (pageSize !== undefined) tellHeader(res, 'X-Page-Size', pageSize.served);
    for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
    const stamp: Stamp = { requestId: asked.requestId, timeZone };
    if (bodyIsUnread) refuseBody(req, res, verdict, stamp);
    else writeEnvelope(res, verdict, stamp, data);
    return {
      route,
      status: verdict.status,
      code: verdict.code,
      ...(pageSize !== undefined && pageSize.asked > pageSize.served && { warning: pageSize }),
    };
  };

  async function decide(
    req: IncomingMessage,
    res: ServerResponse,
    asked: Asked,
    progress: ExportProgress,
  ): Promise<Answer> {
    const target = splitTarget(req.url ?? '/');
    const exported = EXPORTS_BY_PATH.get(target.path);
    if (exported) {
      progress.route = exported.route;
      const { requestId, session, account } = asked;
      const about = { requestId, viewer: session.viewer, account, progress, ...exported };
      return giveOut(req, res, target.query, about);
    }
    if (options.importBody && isImportPath(target.path)) {
      return takeIn(options.importBody, req, res, target.query, asked);
    }
    const route = ROUTES.get(target.path);
    if (route === undefined) return { route: 'unknown', verdict: verdictOfStatus(404) };
    const { path, method } = route;
    if (req.method !== method) return wrongMethod(path, method);
    const bytes = await readBody(req, limits);
    if (typeof bytes === 'number') {
      return { route: path, verdict: verdictOfStatus(bytes), bodyIsUnread: true };
    }
    const queryString = route.takesQueryString ? target.query : '';
    const { variables, pageSize } = readArguments(route, queryString, bytes);
    if (variables === undefined) return { route: path, verdict: INVALID_PARAMETER, pageSize };
    const result = await execute(route, variables, asked);
    const reply = 'data' in result ? route.reply(result.data) : result;
    return 'data' in reply
      ? { route: path, verdict: SUCCESS, data: reply.data, pageSize }
      : { route: path, verdict: verdictOfError(reply.errorCode), pageSize };
  }

  /** Exports rows of any number, which are not held. */
  async function giveOut(
    req: IncomingMessage,
    res: ServerResponse,
    queryString: string,
    about: Pick<ExportRequest, 'of' | 'requestId' | 'viewer' | 'account' | 'progress'> & {
      route: string;
    },
  ): Promise<Answer> {
    const { route } = about;
    if (req.method !== 'GET') return wrongMethod(route, 'GET');
    const bytes = await readBody(req, limits);
    if (typeof bytes === 'number') {
      return { route, verdict: verdictOfStatus(bytes), bodyIsUnread: true };
    }
    try {
      const sources = { query: parseQueryString(queryString), body: parseBody(bytes) };
      const asked = readExport(req.headers, sources);
      const out = new ResponseStream(res, stallTimeoutMs);
      const refusal = await options.exportRows({ ...about, ...asked }, out);
      return refusal ? { route, ...refusal } : { route, verdict: SUCCESS, isSent: true };
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      return { route, ...refuseExport(error) };
    }
  }

  /** Imports a body of any length, which is not held. */
  async function takeIn(
    importBody: ImportBody,
    req: IncomingMessage,
    res: ServerResponse,
    queryString: string,
    asked: Asked,
  ): Promise<Answer> {
    if (req.method !== 'POST') return wrongMethod(IMPORT_PATH, 'POST');
    const terms = readImport(req.headers, queryString);
    if ('verdict' in terms) return { route: IMPORT_PATH, ...terms, bodyIsUnread: true };
    allowAnyTime(req, res);
    const { stopping } = options;
    const body = streamBody(req, { silenceMs: limits.timeoutMs, stopping });
    try {
      const { data, ...rest } = await importBody({
        ...terms,
        body: asked.body ?? body.chunks,
        requestId: asked.requestId,
        viewer: asked.session.viewer,
        account: asked.account,
      });
      return {
        route: IMPORT_PATH,
        ...rest,
        data: data && exactJson(data),
        bodyIsUnread: !req.readableEnded,
      };
    } finally {
      body.stop();
    }
  }
}

/** What the log calls the route of a path. */
export function routeOf(path: string): string {
  if (isImportPath(path)) return IMPORT_PATH;
  return EXPORTS_BY_PATH.get(path)?.route ?? ROUTES.get(path)?.path ?? 'unknown';
}

/** Whether what is asked at a path may last as long as its sender or reader likes. */
export function isLasting(path: string): boolean {
  return isImportPath(path) || EXPORTS_BY_PATH.has(path);
}

function wrongMethod(route: string, method: string): Answer {
  return { route, verdict: verdictOfStatus(405), headers: { Allow: method } };
}

/** A request target as it is without the absolute form's scheme and host. */
export function localTarget(target: string): string {
  return target.startsWith('/') ? target : target.replace(/^https?:\/\/[^/?]*/i, '');
}

/** Splits a request target, which a caller may send in its absolute form too, into path and query string. */
export function splitTarget(target: string): { path: string; query: string } {
  const local = localTarget(target);
  const mark = local.indexOf('?');
  return mark === -1
    ? { path: local, query: '' }
    : { path: local.slice(0, mark), query: local.slice(mark + 1) };
}

interface Arguments {
  /** The document's variables; undefined where any argument is invalid. */
  variables?: Record<string, unknown>;
  pageSize?: Answer['pageSize'];
}

function readArguments(route: Route, queryString: string, bytes: Buffer): Arguments {
  const body = parseBody(bytes);
  const sources = { query: parseQueryString(queryString), body };
  const variables: Record<string, unknown> = {};
  // A body that is no JSON object is wrong even where the query string says everything.
  let valid = body !== undefined;
  for (const [name, argument] of Object.entries(route.variables)) {
    variables[name] = argument(sources);
    valid &&= variables[name] !== undefined;
  }
  if (route.pageSize === undefined) return valid ? { variables } : {};
  const asked = route.pageSize.asked(sources);
  if (asked === undefined) return {};
  const served = Math.min(asked, route.pageSize.max);
  variables.pageSize = served;
  return { ...(valid && { variables }), pageSize: { asked, served } };
}
