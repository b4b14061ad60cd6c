import type { IncomingHttpHeaders } from 'node:http';
import Negotiator from 'negotiator';
import {
  EXPORT_ARGUMENT_NAMES,
  EXPORT_NAMES,
  EXPORT_PACKINGS,
  readTextArgument,
  type ExportFormat,
  type ExportName,
  type ExportPacking,
  type GivenArguments,
} from '../domain/exports.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Account } from '../domain/budget/account.ts';
import type { Viewer } from '../domain/viewer.ts';
import type { Sources } from './arguments.ts';
import { verdictOfError, type Verdict } from './envelope.ts';
import type { ResponseStream } from './response-stream.ts';
import { pathsOf } from './routes.ts';

/** What the log says of an export, brought up to date while it is written. */
export interface ExportProgress {
  route?: string;
  rows?: number;
  bytes?: number;
}

export interface ExportRequest {
  /** Who asks. */
  readonly viewer: Viewer;
  /** What it is charged to. */
  readonly account: Account;
  readonly of: ExportName;
  readonly given: GivenArguments;
  /** The format to use where none is given. */
  readonly acceptedFormat: ExportFormat;
  /** How the answer is packed; undefined where it is not. */
  readonly packing: ExportPacking | undefined;
  readonly requestId: string;
  readonly progress: ExportProgress;
}

/** Why nothing is exported. */
export interface ExportRefusal {
  readonly verdict: Verdict;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Writes an export as the answer, and ends it. Where nothing was written: why. Never rejects. */
export type ExportRows = (
  request: ExportRequest,
  out: ResponseStream,
) => Promise<ExportRefusal | undefined>;

/** The paths under which exports answer. */
export const EXPORTS_BY_PATH: ReadonlyMap<string, { route: string; of: ExportName }> = new Map(
  EXPORT_NAMES.flatMap((of) => {
    const route = `/export/${of}`;
    return pathsOf(route).map((path) => [path, { route, of }] as const);
  }),
);

export const MEDIA_TYPES: Readonly<Record<ExportFormat, string>> = {
  ndjson: 'application/x-ndjson',
  csv: 'text/csv',
};

function formatOfType(type: string | undefined): ExportFormat {
  return type === MEDIA_TYPES.csv ? 'csv' : 'ndjson';
}

const IDENTITY = 'identity';

function readGiven({ query, body }: Sources): GivenArguments {
  if (!query) throw new GatewayError('BAD_USER_INPUT', 'The query string is no UTF-8.');
  if (!body) throw new GatewayError('BAD_USER_INPUT', 'The body is no JSON object.');
  const entries = EXPORT_ARGUMENT_NAMES.flatMap((name) => {
    const texts = query.get(name);
    if (texts) return [[name, readTextArgument(name, texts)] as const];
    const [source, ...others] = body.get(name) ?? [];
    if (others.length > 0) {
      throw new GatewayError('BAD_USER_INPUT', `The argument "${name}" is given twice.`);
    }
    return source === undefined ? [] : [[name, JSON.parse(source) as unknown] as const];
  });
  return Object.fromEntries(entries);
}

/** @throws GatewayError (BAD_USER_INPUT) for arguments that cannot be read. */
export function readExport(
  headers: IncomingHttpHeaders,
  sources: Sources,
): Pick<ExportRequest, 'given' | 'acceptedFormat' | 'packing'> {
  const accepted = new Negotiator({ headers });
  const encoding = accepted.encoding([...EXPORT_PACKINGS, IDENTITY]);
  return {
    given: readGiven(sources),
    acceptedFormat: formatOfType(accepted.mediaType(Object.values(MEDIA_TYPES))),
    packing: EXPORT_PACKINGS.find((packing) => packing === encoding),
  };
}

/** A header holds letters of ASCII only, and not too many. */
function headerText(message: string): string {
  const escaped = message.replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return escaped.length > 1000 ? `${escaped.slice(0, 1000)}...` : escaped;
}

/** Tells the caller what is wrong with his request. */
export function refuseExport({ code, message }: GatewayError): ExportRefusal {
  return {
    verdict: verdictOfError(code),
    headers: { 'X-Export-Error': headerText(message) },
  };
}
