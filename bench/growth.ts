/**
 * How much longer an answer takes where there are more records.
 */
import type { ShapeResult } from './report.ts';

/** Answers to as many records as there are a hundred times over may take this many times as long. */
export const TARGET = 1.3;

/** What was measured on a data set of one size. */
export interface MeasuredSize {
  readonly records: number;
  readonly results: readonly ShapeResult[];
}

export interface Growth {
  readonly shape: string;
  /** Answers a second at each size. */
  readonly rates: readonly number[];
  /** The time of an answer at each size, as a multiple of that at the first. */
  readonly times: readonly number[];
  /** Whether that at the last is within the target. */
  readonly isWithin: boolean;
}

/** @param sizes of the same shapes, the smallest first. */
export function growthOf(sizes: readonly MeasuredSize[]): Growth[] {
  return sizes[0]!.results.map(({ shape }, n) => {
    const rates = sizes.map(({ results }) => results[n]!.servers.gateway!.rate);
    const times = rates.map((rate) => rates[0]! / rate);
    return { shape, rates, times, isWithin: times.at(-1)! <= TARGET };
  });
}
