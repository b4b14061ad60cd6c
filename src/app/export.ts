import type { Logger } from 'pino';
import type { Database } from '../database/database.ts';
import { classifyDatabaseError } from '../database/errors.ts';
import { rollUpZone } from '../database/rollups.ts';
import { GatewayError } from '../domain/errors.ts';
import { formatOf, planExport, type Part, type Plan } from '../export/export.ts';
import { packInto } from '../export/pack.ts';
import type { Metrics } from '../metrics/metrics.ts';
import {
  MEDIA_TYPES,
  ReaderStalledError,
  refuseExport,
  verdictOfStatus,
  type ExportRefusal,
  type ExportRequest,
  type ExportRows,
  type ResponseStream,
} from '../rest/rest.ts';
import { chargeRows, EXPORT_START, EXPORTED_ROWS_PER_POINT } from './budget.ts';
import { eachPart } from './export-parts.ts';
import { readExportTerms } from './export-terms.ts';

export interface ExporterOptions {
  log: Logger;
  metrics: Pick<Metrics, 'rowsExported' | 'exportEnded' | 'shed'>;
  /** The database, once it is ready. */
  database: () => Database | undefined;
  /** How many exports may be under way at once. */
  maxExports: number;
  /** How many operators a group must have that is told to those from whom people are hidden. */
  minGroup: number;
  stopping: AbortSignal;
}

/** Seconds after which it is worth asking whether another export has ended. */
const RETRY_AFTER_SECONDS = 10;

/** The gateway is about to stop. */
class StoppingError extends Error {
  override name = 'StoppingError';
}

/** What the reader of an export is told of why it broke off. */
function reasonOf(error: unknown): string {
  if (error instanceof StoppingError) return 'the gateway is stopping';
  if (error instanceof ReaderStalledError) return 'the reader took nothing for too long';
  switch (classifyDatabaseError(error)) {
    case 'unavailable':
      return 'the database was lost';
    case 'timeout':
      return 'the database took too long';
    case 'refused':
    case 'other':
      return 'the gateway failed';
  }
}

/** Why nothing was exported. */
function refusalOf(error: unknown): ExportRefusal {
  if (error instanceof GatewayError) return refuseExport(error);
  if (error instanceof StoppingError) return { verdict: verdictOfStatus(503) };
  switch (classifyDatabaseError(error)) {
    case 'unavailable':
      return { verdict: verdictOfStatus(503) };
    case 'refused':
      return refuseExport(new GatewayError('BAD_USER_INPUT'));
    case 'timeout':
    case 'other':
      return { verdict: verdictOfStatus(500) };
  }
}

function headersOf({ of, format }: Plan, { packing }: ExportRequest, watermark: string) {
  return {
    'Content-Type': `${MEDIA_TYPES[format]}; charset=utf-8`,
    'Content-Disposition': `attachment; filename="rosetta-${of}.${format}"`,
    Vary: 'Accept, Accept-Encoding',
    'X-Export-Watermark': watermark,
    ...(packing && { 'Content-Encoding': packing }),
  };
}

/** Gives rows out. How an export ended that did not come to its end is logged. */
export function createExporter(options: ExporterOptions): ExportRows {
  const { log, metrics, maxExports, minGroup, stopping } = options;
  let underWay = 0;

  /** @throws what went wrong before anything was written; afterwards the answer tells it. */
  const write = async (database: Database, request: ExportRequest, out: ResponseStream) => {
    const { requestId, progress } = request;
    const terms = readExportTerms(request.of, request.given, request.acceptedFormat);
    const sight = { ...request.viewer, minGroup };
    const plan = planExport(terms, sight, rollUpZone(database.prisma));
    await request.account.spend(EXPORT_START[request.of]);
    const charge = chargeRows(request.account, EXPORTED_ROWS_PER_POINT);
    const packed = packInto(out, request.packing);
    let written: Part | undefined;
    const take = async (part: Part) => {
      if (stopping.aborted) throw new StoppingError('The gateway is stopping.');
      if (!written) out.setHeaders(headersOf(plan, request, part.watermark));
      metrics.rowsExported(request.of, part.rows - (written?.rows ?? 0));
      written = part;
      progress.rows = part.rows;
      charge(part.rows);
      await packed.write(part.bytes);
      progress.bytes = out.bytes;
    };
    const breakOff = async (rows: number, error: unknown) => {
      const isGone = out.signal.aborted;
      const reason = isGone ? 'the reader is gone' : reasonOf(error);
      log.warn({ requestId, rows, reason, ...(!isGone && { err: error }) }, 'export broke off');
      if (isGone) return;
      try {
        await packed.write(Buffer.from(formatOf(plan).broken(reason, rows)));
        await packed.flush();
      } catch (again) {
        // That nobody reads any more, or that the packer was what failed, changes nothing for the reader.
        if (again !== error && !out.signal.aborted) log.error({ requestId, err: again });
      }
      await out.breakOff();
    };
    try {
      await eachPart(database, plan, take, out.signal);
      await packed.end();
      await out.end();
      metrics.exportEnded(request.of, 'complete');
    } catch (error) {
      if (!written && !out.signal.aborted) throw error;
      metrics.exportEnded(request.of, 'broken_off');
      await breakOff(written?.rows ?? 0, error);
    } finally {
      packed.close();
      progress.bytes = out.bytes;
    }
  };

  return async (request, out) => {
    const database = options.database();
    if (!database) return { verdict: verdictOfStatus(503) };
    if (underWay >= maxExports) {
      metrics.shed('exports');
      metrics.exportEnded(request.of, 'refused');
      const problem = `There are ${underWay} exports under way, as many as are allowed at once.`;
      const refusal = refuseExport(new GatewayError('SERVICE_UNAVAILABLE', problem));
      return {
        ...refusal,
        headers: { ...refusal.headers, 'Retry-After': `${RETRY_AFTER_SECONDS}` },
      };
    }
    underWay++;
    try {
      await write(database, request, out);
      return undefined;
    } catch (error) {
      metrics.exportEnded(request.of, 'refused');
      const refusal = refusalOf(error);
      if (refusal.verdict.status >= 500) {
        const level = refusal.verdict.status === 500 ? 'error' : 'warn';
        log[level]({ requestId: request.requestId, err: error }, 'export failed');
      }
      return refusal;
    } finally {
      underWay--;
    }
  };
}
