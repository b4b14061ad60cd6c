import type { InstanceInfo } from '../domain/entities.ts';
import type { Theme } from './names.ts';
import type { Random } from './random.ts';

/** Something that operators can label, and attributes that they set; instance counts are kept per operation. */
export interface Operation {
  key: string;
  /** Instances in one frame, on average. */
  density: number;
  isAttribute: boolean;
}

/** The operations of a campaign. All arrays of counts below have one number per operation, in this order. */
export type Taxonomy = readonly Operation[];

/** Draws the operations of a campaign: tools with keys like `select-[e000f]`, then attributes with UUIDs for keys. */
export function drawTaxonomy(random: Random, theme: Theme): Taxonomy {
  const tools = theme.tools.map((tool) => ({
    key: `${tool}-[${random.hex(5)}]`,
    density: theme.density * random.between(0.5, 1.6),
    isAttribute: false,
  }));
  const attributes = Array.from({ length: random.integer(2, 3) }, () => ({
    key: random.uuid(),
    density: theme.density * random.between(0.2, 0.7),
    isAttribute: true,
  }));
  return [...tools, ...attributes];
}

/** What a scene really shows; some scenes are far busier than others. */
export function drawTruth(random: Random, taxonomy: Taxonomy, frames: number): number[] {
  const busy = random.between(0.4, 1.0) + random.float();
  const truth = taxonomy.map(({ density }) =>
    random.round(density * frames * busy * random.between(0.7, 1.3)),
  );
  // Every scene shows something.
  truth[0] = Math.max(1, truth[0]!);
  return truth;
}

/** The algorithm finds most of what there is. Writes to `counts`; gives the instances it made. */
export function preLabel(random: Random, truth: readonly number[], counts: number[]): number[] {
  return truth.map((real, place) => {
    counts[place] = random.round(real * random.between(0.6, 0.9));
    return counts[place];
  });
}

/**
 * A first annotation: everything in sight, except that a share of about `errorRate` is missed or superfluous. Writes to
 * `counts`; gives the instances that were made, removed or (some of the algorithm's) changed.
 */
export function annotate(
  random: Random,
  truth: readonly number[],
  counts: number[],
  errorRate: number,
): number[] {
  return truth.map((real, place) => {
    const before = counts[place]!;
    const wrong = random.round(real * errorRate * random.between(0.3, 1.7));
    const after = random.chance(0.75) ? real - Math.min(wrong, real) : real + wrong;
    counts[place] = after;
    const adjusted = random.round(Math.min(before, after) * random.between(0.2, 0.4));
    return Math.abs(after - before) + adjusted;
  });
}

/** Mends wrong counts, each wrong instance with the probability `skill`. Writes to `counts`; gives the instances touched. */
export function correct(
  random: Random,
  truth: readonly number[],
  counts: number[],
  skill: number,
): number[] {
  return truth.map((real, place) => {
    const wrong = real - counts[place]!;
    if (wrong === 0) return 0;
    const mended = Math.min(Math.abs(wrong), random.round(Math.abs(wrong) * skill));
    counts[place]! += Math.sign(wrong) * mended;
    return mended;
  });
}

/** The share of instances that are missing or superfluous; 0 is perfect. */
export function wrongShare(truth: readonly number[], counts: readonly number[]): number {
  let wrong = 0;
  let real = 0;
  for (let place = 0; place < truth.length; place++) {
    wrong += Math.abs(truth[place]! - counts[place]!);
    real += truth[place]!;
  }
  return wrong / real;
}

/** All instances, attributes included. */
export function sum(counts: readonly number[]): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}

/** The attributes alone. */
export function sumOfAttributes(taxonomy: Taxonomy, counts: readonly number[]): number {
  let total = 0;
  for (let place = 0; place < counts.length; place++) {
    if (taxonomy[place]!.isAttribute) total += counts[place]!;
  }
  return total;
}

/** Counts by key, without the operations of which there is nothing. */
export function toInstanceInfo(taxonomy: Taxonomy, counts: readonly number[]): InstanceInfo {
  const info: Record<string, number> = {};
  for (let place = 0; place < counts.length; place++) {
    if (counts[place]! > 0) info[taxonomy[place]!.key] = counts[place]!;
  }
  return info;
}
