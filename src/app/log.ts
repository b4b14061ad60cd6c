import pino, { type DestinationStream, type Logger } from 'pino';
import pretty from 'pino-pretty';
import type { Config } from '../config/config.ts';
import { currentRequest } from '../database/request.ts';

/** A message as people read it; the requests to paste stand below it as they are, not quoted as JSON. */
function showMessage(line: Record<string, unknown>, messageKey: string): string {
  const requests: unknown[] = Array.isArray(line.requests) ? line.requests : [];
  return [line[messageKey], ...requests].map(String).join('\n    ');
}

/** What each line has that is written on behalf of a request that is traced. */
export function traceIdOfRequest(): { traceId?: string } {
  const { trace } = currentRequest() ?? {};
  return trace ? { traceId: trace.traceId } : {};
}

/** Makes what gives pino the time of a line, which is written once a millisecond however many lines fall into it. */
function createTimestamp(): () => string {
  let written = NaN;
  let text = '';
  return () => {
    const now = Date.now();
    if (now !== written) text = `,"time":"${new Date(now).toISOString()}"`;
    written = now;
    return text;
  };
}

/** Characters that are held back at most for the lines that may come beside them. */
const MAX_HELD = 8192;

/** Milliseconds for which a line is held back at most. */
const HELD_MS = 5;

/** Lines from this level on are not held back. */
const URGENT = pino.levels.values.warn!;

/**
 * Standard output, to which the lines of some milliseconds go at once: with many requests under way, to write each by itself
 * takes longer than to make it. What is held goes out before the process ends, unless it is killed or runs out of memory.
 */
function standardOutput(): DestinationStream {
  const out = pino.destination({ dest: 1, sync: true });
  let held = '';
  let isDue = false;
  const flush = () => {
    const lines = held;
    held = '';
    if (lines !== '') out.write(lines);
  };
  const flushDue = () => {
    isDue = false;
    flush();
  };
  process.once('exit', flush);
  const lines: DestinationStream & { lastLevel: number } = {
    lastLevel: 0,
    write(line) {
      held += line;
      if (held.length > MAX_HELD || this.lastLevel >= URGENT) flush();
      else if (!isDue) {
        isDue = true;
        setTimeout(flushDue, HELD_MS);
      }
    },
  };
  // Has pino tell the level of each line before it.
  return Object.assign(lines, { [pino.symbols.needsMetadataGsym]: true });
}

/** The log: JSON lines on standard output, readable lines where that is a terminal. */
export function createLog({
  logLevel,
  logFormat,
  tracing,
}: Pick<Config, 'logLevel' | 'logFormat' | 'tracing'>): Logger {
  const readable = logFormat === undefined ? process.stdout.isTTY : logFormat === 'pretty';
  const options = {
    level: logLevel,
    base: undefined,
    timestamp: createTimestamp(),
    ...(tracing && { mixin: traceIdOfRequest }),
  };
  return readable
    ? pino(
        options,
        pretty({ ignore: 'requests', translateTime: 'SYS:HH:MM:ss.l', messageFormat: showMessage }),
      )
    : pino(options, standardOutput());
}
