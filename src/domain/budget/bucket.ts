/**
 * The arithmetic of a budget: so many points a minute, of which a minute's worth can be saved up. All that there is to
 * remember of one is when it will be full again; one that is full is as good as one that nobody has asked for.
 */

/** Milliseconds in which an empty budget becomes full. */
export const FILL_MS = 60_000;

/** Milliseconds for which a budget can be overdrawn: nobody waits longer for the sake of what is done already. */
export const DEBT_MS = 600_000;

/** The longest that it can take until a budget is full. */
export const LONGEST_MS = FILL_MS + DEBT_MS;

/** What is wished of a budget. */
export interface Wish {
  /** Points a minute. */
  readonly perMinute: number;
  /** The points that are needed; of more than a minute's worth, that the budget is full. */
  readonly needed: number;
  /** How many are taken at once where there are as many, so that not every request has to ask. */
  readonly block: number;
  /** Whether they are given in any case: what they stand for is done. */
  readonly onCredit: boolean;
}

/** What has become of a wish. */
export interface Lease {
  /** 0: there are not enough points yet. */
  readonly granted: number;
  /** Milliseconds until the budget is full, after that; not above 0 where it is. */
  readonly fullInMs: number;
}

/** The points in a budget, below 0 where it is overdrawn. */
export function pointsIn(fullInMs: number, perMinute: number): number {
  return perMinute * (1 - Math.max(0, fullInMs) / FILL_MS);
}

/** Milliseconds in which so many points come in. */
export function msOf(points: number, perMinute: number): number {
  return (points / perMinute) * FILL_MS;
}

// What floats are off by is neither to cost a point nor a second.

/** Points that can be taken, which are whole. */
export function wholePoints(points: number): number {
  return Math.floor(points + 1e-6);
}

/** Seconds after which so many points have come in. */
export function secondsOf(points: number, perMinute: number): number {
  return Math.ceil(msOf(points, perMinute) / 1000 - 1e-6);
}

/** Fulfils a wish, if there are enough points. */
export function leaseFrom(fullInMs: number, { perMinute, needed, block, onCredit }: Wish): Lease {
  const left = wholePoints(pointsIn(fullInMs, perMinute));
  if (!onCredit && left < Math.min(needed, perMinute)) return { granted: 0, fullInMs };
  const granted = Math.max(needed, Math.min(block, left));
  const taken = Math.max(0, fullInMs) + msOf(granted, perMinute);
  return { granted, fullInMs: Math.min(taken, LONGEST_MS) };
}
