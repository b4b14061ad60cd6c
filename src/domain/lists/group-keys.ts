import { GatewayError } from '../errors.ts';
import type { Noun } from '../nouns.ts';

/** What the values of a key are: codes, numbers, or the ids of another noun's rows. */
export type GroupKeyKind =
  'taskStatus' | 'taskAction' | 'poolType' | 'campaignType' | 'bigint' | { readonly row: Noun };

/** Something that the rows of a list can be grouped by. */
export interface GroupKey {
  /** Its name in the model of schema.prisma. */
  readonly column: string;
  readonly kind: GroupKeyKind;
  /** The relation to the row whose column it is, where it is not the list's own. */
  readonly through?: string;
}

const key = (column: string, kind: GroupKeyKind): GroupKey => ({ column, kind });

/** The keys of each noun's groups, by the names that GraphQL shows. */
export const GROUP_KEYS: Readonly<Record<Noun, Readonly<Record<string, GroupKey>>>> = {
  Campaign: { campaignType: key('campaignType', 'campaignType') },
  AnnotationRequest: { campaign: key('campaignId', { row: 'Campaign' }) },
  Pool: { type: key('poolType', 'poolType'), campaign: key('campaignId', { row: 'Campaign' }) },
  Task: {
    status: key('status', 'taskStatus'),
    pool: key('poolId', { row: 'Pool' }),
    poolType: { column: 'poolType', kind: 'poolType', through: 'pool' },
    annotationRequest: key('annotationRequestId', { row: 'AnnotationRequest' }),
    campaign: key('campaignId', { row: 'Campaign' }),
  },
  AnnotationHistory: {
    status: key('status', 'taskStatus'),
    action: key('actionType', 'taskAction'),
    pool: key('poolId', { row: 'Pool' }),
    annotationRequest: key('annotationRequestId', { row: 'AnnotationRequest' }),
    task: key('taskId', { row: 'Task' }),
    teamId: key('teamId', 'bigint'),
    poolAssigneeId: key('poolAssigneeId', 'bigint'),
    creatorId: key('creatorId', 'bigint'),
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
