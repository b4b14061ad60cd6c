/** Points, and which field has most of them. */
export interface Amount {
  readonly points: number;
  /** The largest part that one field has in them. */
  readonly most: number;
  /** The way to that field by the names in the answer, joined by dots. */
  readonly path: string;
}

export const NOTHING: Amount = { points: 0, most: 0, path: '' };

/** More is not told apart: lists in lists in lists come to numbers without meaning. */
const bounded = (points: number) => Math.min(points, Number.MAX_SAFE_INTEGER);

/** What a field itself costs. */
export function own(name: string, points: number): Amount {
  return points === 0 ? NOTHING : { points, most: points, path: name };
}

export function add(one: Amount, other: Amount): Amount {
  if (other.points === 0) return one;
  if (one.points === 0) return other;
  const { most, path } = one.most >= other.most ? one : other;
  return { points: bounded(one.points + other.points), most, path };
}

export function times(count: number, { points, most, path }: Amount): Amount {
  if (count === 1 || points === 0) return { points, most, path };
  if (count === 0) return NOTHING;
  return { points: bounded(count * points), most: bounded(count * most), path };
}

/** The same inside a field. */
export function inside(name: string, amount: Amount): Amount {
  return amount.points === 0 ? NOTHING : { ...amount, path: `${name}.${amount.path}` };
}
