import { ENTITY_TYPES, type EntityType } from './entities.ts';
import { GatewayError } from './errors.ts';
import { isTextId } from './ids.ts';
import type { Noun } from './nouns.ts';
import { checksum, seal, unseal } from './seal.ts';

/** What became of a row. */
export type ChangeKind = 'UPSERTED' | 'DELETED';

/** The noun that GraphQL has for a type of the import format. */
export const NOUN_OF_TYPE = {
  campaign: 'Campaign',
  annotationRequest: 'AnnotationRequest',
  pool: 'Pool',
  task: 'Task',
  annotationHistory: 'AnnotationHistory',
} as const satisfies Record<EntityType, Noun>;

/**
 * What one transaction can have done to the rows of one type, in the order in which it can be repeated: what refers to
 * other rows goes before them and comes after them.
 */
export const CHANGE_RANKS: readonly { readonly type: EntityType; readonly kind: ChangeKind }[] = [
  ...ENTITY_TYPES.toReversed().map((type) => ({ type, kind: 'DELETED' }) as const),
  ...ENTITY_TYPES.map((type) => ({ type, kind: 'UPSERTED' }) as const),
];

/** A change, by its place among all: the number of its transaction, the rank of what that did, and the row's id. */
export interface ChangePosition {
  readonly number: bigint;
  readonly rank: number;
  readonly id: string;
}

/** The transactions whose work can be seen at a moment: all numbers below `next`, but for those that are still open. */
export interface Snapshot {
  readonly next: bigint;
  readonly open: readonly bigint[];
}

/** Before all transactions. */
export const NOTHING_SEEN: Snapshot = { next: 0n, open: [] };

export function isSeen(number: bigint, { next, open }: Snapshot): boolean {
  return number < next && !open.includes(number);
}

/** The one of two snapshots of a history that was taken later; the first, if they are the same. */
export function laterOf(one: Snapshot, other: Snapshot): Snapshot {
  // Of two snapshots one has all that the other has: of the same transactions, fewer are open later.
  const isOther =
    other.next > one.next || (other.next === one.next && other.open.length < one.open.length);
  return isOther ? other : one;
}

/**
 * How far a reader has come: it has read what could be seen at one moment and, where a page broke off, what could be seen
 * at a later one up to a change. A number alone would not do: a transaction that began earlier may end later.
 */
export interface Watermark {
  /** Which history of changes it is about. */
  readonly history: string;
  readonly seen: Snapshot;
  readonly within?: { readonly upTo: Snapshot; readonly last: ChangePosition } | undefined;
}

/** The numbers from one to another, both included. */
export interface NumberRange {
  readonly low: bigint;
  readonly high: bigint;
}

const HIGHEST = 2n ** 63n - 1n;

/** The numbers of the transactions that a reader is to look at, ascending; of all, where it begins. */
export function rangesAfter(watermark: Omit<Watermark, 'history'> | undefined): NumberRange[] {
  const { seen, within } = watermark ?? { seen: NOTHING_SEEN };
  const unseen = [
    ...seen.open.map((number) => ({ low: number, high: number })),
    { low: seen.next, high: HIGHEST },
  ];
  if (!within) return unseen;
  const { upTo, last } = within;
  // Those that were open then cut what could be seen into pieces.
  const edges = [...upTo.open.filter((number) => number >= seen.next), upTo.next];
  const pieces = [
    ...seen.open.filter((number) => isSeen(number, upTo)).map((number) => [number, number]),
    ...edges.map((edge, n) => [n === 0 ? seen.next : edges[n - 1]! + 1n, edge - 1n]),
  ] as [bigint, bigint][];
  return pieces
    .map(([low, high]) => ({ low: low > last.number ? low : last.number, high }))
    .filter(({ low, high }) => low <= high);
}

/** Which changes are asked for. Without ids: whatever the row belongs to. */
export interface ChangeScope {
  readonly types: readonly EntityType[];
  readonly campaignIds: readonly string[] | undefined;
  readonly annotationRequestIds: readonly string[] | undefined;
}

/** All changes of some types. */
export function scopeOfTypes(types: readonly EntityType[]): ChangeScope {
  return {
    types: ENTITY_TYPES.filter((type) => types.includes(type)),
    campaignIds: undefined,
    annotationRequestIds: undefined,
  };
}

/** Entries on a page that does not say how many it wants, and at most. */
export const DEFAULT_CHANGES = 100;
export const MAX_CHANGES = 1000;

/** How many ids a filter may name. */
export const MAX_SCOPE_IDS = 1000;

export interface ChangesArguments {
  after?: string | null | undefined;
  types?: readonly EntityType[] | null | undefined;
  filter?:
    | {
        campaignIds?: readonly string[] | null | undefined;
        annotationRequestIds?: readonly string[] | null | undefined;
      }
    | null
    | undefined;
  first?: number | null | undefined;
}

function readIds(name: string, ids: readonly string[] | null | undefined): string[] | undefined {
  if (!ids) return undefined;
  if (ids.length > MAX_SCOPE_IDS) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      `"filter.${name}" has ${ids.length} ids; it may have at most ${MAX_SCOPE_IDS}.`,
    );
  }
  // The same ids are the same question, however they are written. No row has an id that cannot be one.
  return [...new Set(ids.filter(isTextId))].sort();
}

/** @throws GatewayError (BAD_USER_INPUT) for a size out of range or too many ids. */
export function readChangesArguments({ types, filter, first }: ChangesArguments): {
  scope: ChangeScope;
  size: number;
} {
  const size = first ?? DEFAULT_CHANGES;
  if (size < 1 || size > MAX_CHANGES) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      `The argument "first" is ${size}; it may be from 1 to ${MAX_CHANGES}.`,
    );
  }
  const scope = {
    types: ENTITY_TYPES.filter((type) => !types || types.includes(type)),
    campaignIds: readIds('campaignIds', filter?.campaignIds),
    annotationRequestIds: readIds('annotationRequestIds', filter?.annotationRequestIds),
  };
  return { scope, size };
}

/** A watermark belongs to a history of changes and to what was asked for. */
const SEAL = 'watermark 2';

function checksumOf({ types, campaignIds, annotationRequestIds }: ChangeScope): string {
  return checksum(JSON.stringify([types, campaignIds ?? null, annotationRequestIds ?? null]));
}

type SealedSnapshot = [next: string, ...open: string[]];
type Sealed = [
  history: string,
  scope: string,
  seen: SealedSnapshot,
  within?: [upTo: SealedSnapshot, number: string, rank: number, id: string],
];

function sealSnapshot({ next, open }: Snapshot): SealedSnapshot {
  return [String(next), ...open.map(String)];
}

function unsealSnapshot([next, ...open]: SealedSnapshot): Snapshot {
  return { next: BigInt(next), open: open.map(BigInt) };
}

export function writeWatermark(scope: ChangeScope, { history, seen, within }: Watermark): string {
  const content: Sealed = [history, checksumOf(scope), sealSnapshot(seen)];
  if (within) {
    const { number, rank, id } = within.last;
    content.push([sealSnapshot(within.upTo), String(number), rank, id]);
  }
  return seal(SEAL, JSON.stringify(content));
}

/** @throws GatewayError (BAD_USER_INPUT) for anything that was not issued for these arguments. */
export function readWatermark(watermark: string, scope: ChangeScope): Watermark {
  const content = unseal(SEAL, watermark);
  if (content === undefined) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      'The argument "after" is not a watermark: take one from "watermark".',
    );
  }
  const [history, asked, seen, within] = JSON.parse(content) as Sealed;
  if (asked !== checksumOf(scope)) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      'The argument "after" is a watermark of other types or another filter, which have changes of their own before it: begin without one.',
    );
  }
  if (!within) return { history, seen: unsealSnapshot(seen) };
  const [upTo, number, rank, id] = within;
  return {
    history,
    seen: unsealSnapshot(seen),
    within: { upTo: unsealSnapshot(upTo), last: { number: BigInt(number), rank, id } },
  };
}

/** Tells that a watermark says nothing about this database. */
export function foreignWatermark(): GatewayError {
  return new GatewayError(
    'BAD_USER_INPUT',
    'The argument "after" is a watermark of another database, or of this one before it was restored or emptied: begin without one.',
  );
}
