import type { ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Metrics } from '../metrics/metrics.ts';

/** Milliseconds between two looks at how late the event loop is. */
const LOOK_MS = 100;

/** Requests under way below which being late is no overload: a pause of the machine, say, or of the database. */
const FEW_REQUESTS = 10;

/** Milliseconds between two lines of the log about requests that were turned away. */
const REPORT_MS = 1000;

export interface OverloadOptions {
  readonly log: Logger;
  readonly metrics: Pick<Metrics, 'shed'>;
  /** How many requests may be under way at once. */
  readonly maxRequests: number;
  /** Milliseconds by which the event loop, or a connection to the database, may be late; without end where that says nothing. */
  readonly maxLagMs: number;
  /** Milliseconds that somebody has been waiting for a connection by now. */
  readonly longestWaitMs: () => number;
  /** Milliseconds by which the event loop is late; for tests. */
  readonly lag?: () => number;
}

/** Measures by how many milliseconds the event loop is late. */
function measureLag(): () => number {
  let lagMs = 0;
  let due = performance.now() + LOOK_MS;
  setInterval(() => {
    const now = performance.now();
    lagMs = now - due;
    due = now + LOOK_MS;
  }, LOOK_MS).unref();
  return () => lagMs;
}

/** A request's place among those under way, until its answer is out, or until it is given up earlier. */
export interface Place {
  /** For what lasts: a subscription, an export or an import, of which there are other limits. */
  giveUp(): void;
}

/** Decides how much the gateway takes on. */
export interface Overload {
  /** Whether nothing more is taken on now. */
  isFull(): boolean;
  /** Takes a request on. @returns undefined where it is to be turned away, at once: to wait would help nobody. */
  enter(res: ServerResponse): Place | undefined;
  /** Notes that a request was turned away. */
  turnAway(): void;
  /** How many requests are under way. */
  underWay(): number;
}

/**
 * Bounds what is under way, so that what is taken on is answered soon, and memory does not grow with what callers would
 * like. A gateway whose event loop or database is late takes on nothing more until that has caught up: each statement of
 * what it takes on would wait as long again.
 */
export function createOverload(options: OverloadOptions): Overload {
  const { log, metrics, maxRequests, maxLagMs, longestWaitMs } = options;
  const lagMs = options.lag ?? (maxLagMs === Infinity ? () => 0 : measureLag());
  let underWay = 0;
  let turnedAway = 0;
  let report: NodeJS.Timeout | undefined;

  // A line each would make the log what the gateway is busy with.
  const turnAway = () => {
    metrics.shed('overload');
    turnedAway++;
    report ??= setTimeout(() => {
      const late = { lagMs: Math.round(lagMs()), longestWaitMs: Math.round(longestWaitMs()) };
      log.warn({ turnedAway, underWay, ...late }, 'overloaded');
      turnedAway = 0;
      report = undefined;
    }, REPORT_MS).unref();
  };

  const isLate = () => lagMs() > maxLagMs || longestWaitMs() > maxLagMs;
  const isFull = () => underWay >= maxRequests || (underWay >= FEW_REQUESTS && isLate());

  return {
    isFull,
    enter(res) {
      if (isFull()) return undefined;
      underWay++;
      let isHeld = true;
      const giveUp = () => {
        if (isHeld) underWay--;
        isHeld = false;
      };
      res.once('close', giveUp);
      return { giveUp };
    },
    turnAway,
    underWay: () => underWay,
  };
}
