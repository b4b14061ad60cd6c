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

/** A place between two changes: after one that is told by its transaction, the rank of what it did, and the row's id. */
export interface ChangePosition {
  readonly number: bigint;
  readonly rank: number;
  readonly id: string;
}

/** The place before everything that transactions from one on have done. */
export function beforeTransaction(number: bigint): ChangePosition {
  return { number, rank: -1, id: '' };
}

/** Which changes are asked for. Without ids: whatever the row belongs to. */
export interface ChangeScope {
  readonly types: readonly EntityType[];
  readonly campaignIds: readonly string[] | undefined;
  readonly annotationRequestIds: readonly string[] | undefined;
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

/** A watermark belongs to a history of changes and to what was asked for, and holds a position. */
const SEAL = 'watermark 1';

export interface Watermark extends ChangePosition {
  readonly history: string;
}

function checksumOf({ types, campaignIds, annotationRequestIds }: ChangeScope): string {
  return checksum(JSON.stringify([types, campaignIds ?? null, annotationRequestIds ?? null]));
}

export function writeWatermark(
  history: string,
  scope: ChangeScope,
  { number, rank, id }: ChangePosition,
): string {
  return seal(SEAL, JSON.stringify([history, checksumOf(scope), String(number), rank, id]));
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
  const [history, asked, number, rank, id] = JSON.parse(content) as [
    string,
    string,
    string,
    number,
    string,
  ];
  if (asked !== checksumOf(scope)) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      'The argument "after" is a watermark of other types or another filter, which have changes of their own before it: begin without one.',
    );
  }
  return { history, number: BigInt(number), rank, id };
}

/** Tells that a watermark says nothing about this database. */
export function foreignWatermark(): GatewayError {
  return new GatewayError(
    'BAD_USER_INPUT',
    'The argument "after" is a watermark of another database, or of this one before it was restored or emptied: begin without one.',
  );
}
