import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import type { Database } from '../database/database.ts';
import { classifyDatabaseError } from '../database/errors.ts';
import { RateLimitedError } from '../domain/budget/account.ts';
import { IDEMPOTENT_REPLAYED, runOnce, type ClaimKey } from '../domain/idempotency.ts';
import {
  ImportError,
  importLines,
  type ImportSummary,
  type LineProblem,
} from '../import/import.ts';
import { retryConflicts } from '../import/transaction.ts';
import { SourceError, unpack } from '../import/unpack.ts';
import type { Metrics } from '../metrics/metrics.ts';
import {
  SUCCESS,
  UnreadBodyError,
  verdictOfError,
  verdictOfStatus,
  type ImportAnswer,
  type ImportBody,
  type ImportRequest,
} from '../rest/rest.ts';
import { chargeRows, IMPORT_START, IMPORTED_LINES_PER_POINT } from './budget.ts';
import { drain, hashed } from './bytes.ts';
import { rowCounter } from './imported-rows.ts';
import { spool } from './spool.ts';

/** How many problems an answer lists. */
const MAX_PROBLEMS = 1000;

export interface ImporterOptions {
  log: Logger;
  metrics: Pick<Metrics, 'rowsImported'>;
  /** The database, once it is ready. */
  database: () => Database | undefined;
  /** The keys of requests that may be repeated, once the database is ready. */
  keys: () => ClaimKey | undefined;
  /** Ends imports where they are. */
  stopping: AbortSignal;
}

/** What an import is answered with. */
interface Report extends Omit<ImportSummary, 'interrupted'> {
  /** How many lines were rejected or have a warning. */
  problemCount: number;
  /** The first of them. */
  problems: LineProblem[];
}

/** Stops what no sender holds up: a body that was put aside, or what a few packed bytes stand for. */
async function* unlessStopping(
  source: AsyncIterable<Uint8Array>,
  stopping: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    if (stopping.aborted) throw new UnreadBodyError(503);
    yield chunk;
  }
}

async function importOnce(
  database: Database,
  body: AsyncIterable<Uint8Array>,
  { viewer, account, packing, atomic, ignoreUnknown }: ImportRequest,
  { metrics, stopping }: Pick<ImporterOptions, 'metrics' | 'stopping'>,
): Promise<Report> {
  const problems: LineProblem[] = [];
  let problemCount = 0;
  const note = (problem: LineProblem) => {
    if (problemCount++ < MAX_PROBLEMS) problems.push(problem);
  };
  const count = rowCounter(metrics);
  const charge = chargeRows(account, IMPORTED_LINES_PER_POINT);
  const source = packing ? unpack(body, packing, 'The body') : body;
  const unstopped = unlessStopping(source, stopping);
  const { lines, rejected, notWritten, types } = await importLines(database, unstopped, {
    atomic,
    ignoreUnknown,
    campaigns: viewer.campaigns,
    onRejected: note,
    onWarning: note,
    onCommitted: (summary) => {
      count(summary);
      charge(summary.lines);
    },
  });
  return { lines, rejected, notWritten, types, problemCount, problems };
}

/** An atomic import is one transaction, which must not wait for the sender: the body is put aside first. */
async function importAll(
  database: Database,
  body: AsyncIterable<Uint8Array>,
  request: ImportRequest,
  options: ImporterOptions,
): Promise<Report> {
  if (!request.atomic) return importOnce(database, body, request, options);
  const spooled = await spool(body);
  try {
    return await retryConflicts(() => importOnce(database, spooled.read(), request, options));
  } finally {
    await spooled.close();
  }
}

function answerOf(report: object): ImportAnswer {
  return { verdict: SUCCESS, data: report };
}

/** How an import that came to no end is told: by a status, and where it says too little by a header. */
function failureOf(reason: unknown, lines: number): ImportAnswer {
  const failure = (status: number, message?: string) => ({
    verdict: verdictOfStatus(status),
    ...(message !== undefined && { headers: { 'X-Import-Error': message } }),
  });
  if (reason instanceof SourceError) return failure(400, reason.message);
  if (reason instanceof UnreadBodyError) {
    return reason.status === 503
      ? failure(503, `The gateway is stopping; ${lines} lines are done.`)
      : failure(reason.status);
  }
  return failure(classifyDatabaseError(reason) === 'unavailable' ? 503 : 500);
}

/** Imports what is sent to the gateway. What came of it is logged, however it ended. */
export function createImporter(options: ImporterOptions): ImportBody {
  const { log, database, keys } = options;
  const run = async (request: ImportRequest): Promise<ImportAnswer> => {
    const open = database();
    const claimKey = keys();
    if (!open || !claimKey) return { verdict: verdictOfStatus(503) };
    const { viewer, account, key, requestId, ignoreUnknown, atomic } = request;
    await account.spend(IMPORT_START);
    const hash = createHash('sha256');
    const body = hashed(request.body, hash);
    const importBody = async () => {
      const report = await importAll(open, body, request, options);
      const { lines, rejected, notWritten, types } = report;
      log.info({ requestId, lines, rejected, notWritten, types }, 'imported');
      return report;
    };
    if (key === undefined) return answerOf(await importBody());
    const once = await runOnce(claimKey, {
      viewer: viewer.name,
      key,
      purpose: `import ${JSON.stringify({ ignoreUnknown, atomic })}`,
      fingerprint: async () => {
        await drain(body);
        return hash.digest('hex');
      },
      run: async () => {
        const result = await importBody();
        return { result, answer: JSON.stringify(result) };
      },
    });
    switch (once.state) {
      case 'new':
        return answerOf(once.result);
      case 'repeated':
        return {
          ...answerOf(JSON.parse(once.answer) as object),
          headers: { [IDEMPOTENT_REPLAYED]: 'true' },
        };
      case 'running':
        return { verdict: verdictOfStatus(409) };
      case 'other':
        return { verdict: verdictOfStatus(422) };
    }
  };

  return async (request) => {
    try {
      return await run(request);
    } catch (error) {
      if (error instanceof RateLimitedError) return { verdict: verdictOfError(error.code) };
      const { cause: reason, summary } =
        error instanceof ImportError ? error : { cause: error, summary: undefined };
      const { lines = 0, rejected = 0, types } = summary ?? {};
      const answer = failureOf(reason, lines);
      const level = answer.verdict.status === 500 ? 'error' : 'warn';
      log[level](
        { requestId: request.requestId, lines, rejected, types, err: reason },
        'import ended early',
      );
      return answer;
    }
  };
}
