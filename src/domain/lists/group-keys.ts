import { GatewayError } from '../errors.ts';
import type { Noun } from '../nouns.ts';

/** What the values of a key are: codes, numbers, texts, or the ids of another noun's rows. */
export type GroupKeyKind =
  | 'taskStatus'
  | 'taskAction'
  | 'poolType'
  | 'campaignType'
  | 'bigint'
  | 'text'
  | { readonly row: Noun };

/** Something that the rows of a list can be grouped by. */
export interface GroupKey {
  /** Its name in the model of schema.prisma. */
  readonly column: string;
  readonly kind: GroupKeyKind;
  /** The relation to the row whose column it is, where it is not the list's own. */
  readonly through?: string;
}

export const groupKey = (column: string, kind: GroupKeyKind): GroupKey => ({ column, kind });

/** The keys of each noun's groups, by the names that GraphQL shows. */
export const GROUP_KEYS: Readonly<Record<Noun, Readonly<Record<string, GroupKey>>>> = {
  Campaign: { campaignType: groupKey('campaignType', 'campaignType') },
  AnnotationRequest: { campaign: groupKey('campaignId', { row: 'Campaign' }) },
  Pool: {
    type: groupKey('poolType', 'poolType'),
    campaign: groupKey('campaignId', { row: 'Campaign' }),
  },
  Task: {
    status: groupKey('status', 'taskStatus'),
    pool: groupKey('poolId', { row: 'Pool' }),
    poolType: { column: 'poolType', kind: 'poolType', through: 'pool' },
    annotationRequest: groupKey('annotationRequestId', { row: 'AnnotationRequest' }),
    campaign: groupKey('campaignId', { row: 'Campaign' }),
  },
  AnnotationHistory: {
    status: groupKey('status', 'taskStatus'),
    action: groupKey('actionType', 'taskAction'),
    pool: groupKey('poolId', { row: 'Pool' }),
    annotationRequest: groupKey('annotationRequestId', { row: 'AnnotationRequest' }),
    task: groupKey('taskId', { row: 'Task' }),
    teamId: groupKey('teamId', 'bigint'),
    poolAssigneeId: groupKey('poolAssigneeId', 'bigint'),
    creatorId: groupKey('creatorId', 'bigint'),
  },
};

/** How many groups one list may fall into. */
export const MAX_GROUPS = 1000;

/**
 * Reads the keys that rows are to be grouped by; one that is given twice counts once.
 * @throws GatewayError (BAD_USER_INPUT) where there is none.
 */
export function readGroupKeys(names: readonly string[]): string[] {
  if (names.length === 0) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      'The argument "keys" is empty: name at least one key, or ask for "aggregate".',
    );
  }
  return [...new Set(names)];
}

export function tooManyGroups(): GatewayError {
  return new GatewayError(
    'BAD_USER_INPUT',
    `There are more than ${MAX_GROUPS} groups; narrow the list by a filter, or give other keys.`,
  );
}
