import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Authenticate } from '../auth/authenticate.ts';
import type { Claim } from '../auth/credentials.ts';
import { CheckUnavailableError, type Identity, type Proof } from '../auth/identity.ts';
import { classifyDatabaseError } from '../database/errors.ts';
import type { Session } from '../domain/session.ts';
import { allowAnyTime, localTarget, readBody, streamBody, UnreadBodyError } from '../rest/rest.ts';
import { drain, hashed } from './bytes.ts';
import { BODY_TIMEOUT_MS } from './graphql-request.ts';
import { spool, spoolBound, type Spool, type SpoolBound } from './spool.ts';

/** Who asks, and the body of an import where it was put aside to find out; or the status he is refused with. */
export type Identified =
  | { readonly session: Session; readonly body?: Spool | undefined }
  | { readonly status: number; readonly reason?: string };

/** Finds out who sends a request. @param isImport whether its body is one of any length. */
export type Identify = (
  req: IncomingMessage,
  res: ServerResponse,
  requestId: string,
  isImport: boolean,
) => Promise<Identified>;

/** What a request says of who sends it. @param more further headers, as it were. */
function claimOf(req: IncomingMessage, more: Claim['headers'] = []): Claim {
  const headers: (readonly [string, string])[] = [...more];
  // As they were sent: of some headers Node keeps the first, and joins others.
  for (let n = 0; n < req.rawHeaders.length; n += 2) {
    headers.push([req.rawHeaders[n]!, req.rawHeaders[n + 1]!]);
  }
  return { method: req.method!, target: localTarget(req.url!), headers };
}

/** The status of a request whose sender could not be told for a reason of ours, which is logged. */
export function statusOfFault(error: unknown, requestId: string, log: Logger): number {
  const isUnavailable =
    error instanceof CheckUnavailableError ||
    ['unavailable', 'timeout'].includes(classifyDatabaseError(error));
  log[isUnavailable ? 'warn' : 'error']({ requestId, err: error }, 'caller not identified');
  return isUnavailable ? 503 : 500;
}

interface Limits {
  readonly maxBytes: number;
  /** Milliseconds a body may take to arrive, or, where it is imported, its sender may be silent. */
  readonly timeoutMs: number;
  /** Ends bodies that are imported. */
  readonly stopping: AbortSignal;
  /** Bounds what is put aside. */
  readonly bound: SpoolBound;
}

async function proveBody(proof: Proof, req: IncomingMessage, limits: Limits): Promise<Identified> {
  const bytes = await readBody(req, limits);
  if (typeof bytes === 'number') return { status: bytes };
  const answer = await proof.check(createHash('sha256').update(bytes).digest('hex'));
  return 'refusal' in answer ? answer.refusal : answer;
}

/** A body of any length is put aside before a line of it is taken; one whose signature must be wrong is only read. */
async function proveImport(
  proof: Proof,
  req: IncomingMessage,
  res: ServerResponse,
  { timeoutMs, stopping, bound }: Limits,
): Promise<Identified> {
  allowAnyTime(req, res);
  const sent = streamBody(req, { silenceMs: timeoutMs, stopping });
  const hash = createHash('sha256');
  // Those of no key are bounded alike, so that their answers do not tell them apart.
  const share = bound.share(proof.isPossible);
  let body: Spool | undefined;
  try {
    if (proof.isPossible) body = await spool(share.of(hashed(sent.chunks, hash)));
    else await drain(share.of(hashed(sent.chunks, hash)));
    const answer = await proof.check(hash.digest('hex'));
    if ('session' in answer) return { ...answer, body };
    await body?.close();
    return answer.refusal;
  } catch (error) {
    await body?.close();
    if (error instanceof UnreadBodyError) return { status: error.status };
    throw error;
  } finally {
    sent.stop();
    share.giveBack();
  }
}

/** The SHA-256 of no bytes. */
const NOTHING_HASHED = createHash('sha256').digest('hex');

/**
 * Finds out who has opened a WebSocket.
 * @param params what he has said since, by the names of the headers that browsers cannot send.
 * @throws what the check fails with, for reasons of ours.
 */
export async function identifyConnection(
  authenticate: Authenticate,
  req: IncomingMessage,
  params: Readonly<Record<string, unknown>>,
): Promise<Exclude<Identity, { proof: Proof }>> {
  const said = Object.entries(params).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  const identity = await authenticate(claimOf(req, said));
  return 'proof' in identity ? identity.proof.check(NOTHING_HASHED) : identity;
}

export interface IdentifierOptions extends Omit<Limits, 'timeoutMs' | 'bound'> {
  readonly authenticate: Authenticate;
  readonly log: Logger;
  /** How many bytes may be put aside at once before it is known who sends them. */
  readonly maxSpoolBytes: number;
  readonly timeoutMs?: number | undefined;
}

/**
 * Makes what finds out who sends a request, before anything else is done with it. It reads the body only where a signature
 * covers that. It never rejects: faults of ours are logged.
 */
export function createIdentifier(options: IdentifierOptions): Identify {
  const { authenticate, log, timeoutMs = BODY_TIMEOUT_MS } = options;
  const limits = { ...options, timeoutMs, bound: spoolBound(options.maxSpoolBytes) };
  return async (req, res, requestId, isImport) => {
    try {
      const identity = await authenticate(claimOf(req));
      if ('session' in identity) return identity;
      if ('refusal' in identity) return identity.refusal;
      return await (isImport
        ? proveImport(identity.proof, req, res, limits)
        : proveBody(identity.proof, req, limits));
    } catch (error) {
      return { status: statusOfFault(error, requestId, log) };
    }
  };
}
