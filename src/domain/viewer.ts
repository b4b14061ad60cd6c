import { GatewayError } from './errors.ts';

/** What a caller may do: read, put data in, or both and all that comes. */
export const ROLES = ['admin', 'reader', 'ingest'] as const;
export type Role = (typeof ROLES)[number];

/** The fields of a record that tell who did something. */
export const PEOPLE_FIELDS: ReadonlySet<string> = new Set([
  'teamId',
  'poolAssigneeId',
  'creatorId',
]);

/** What groups or lists by the people who did something, so that nothing is left of it without them. */
export const PEOPLE_LISTS: ReadonlySet<string> = new Set([
  'operatorRanking',
  'workingTime',
  'rejections',
]);

/** What a viewer is told who asks for people that are hidden from him. */
export function peopleAreHidden(): GatewayError {
  return new GatewayError(
    'FORBIDDEN',
    'Who did what is hidden from this viewer: it can be neither listed, nor filtered, ordered or grouped by.',
  );
}

/** What a viewer is told who asks for the work of too few of them. */
export function groupIsTooSmall(minGroup: number): GatewayError {
  return new GatewayError(
    'FORBIDDEN',
    `This is, or a part of it is, the work of fewer than ${minGroup} operators, which is not told to viewers from whom people are hidden: ask for more at once, or for fewer groups.`,
  );
}

/** Who is asking. */
export interface Viewer {
  /** What he is known by in the log and to idempotency keys: never a secret. */
  readonly name: string;
  readonly role: Role;
  /** The campaigns that exist for him, with all that belongs to them; undefined: all. */
  readonly campaigns: readonly string[] | undefined;
  /** Whether he is told who did what: the operators, teams and creators of records. */
  readonly people: 'shown' | 'hidden';
}

/** Whoever asks, where nobody is asked who he is. */
export const ANYBODY: Viewer = {
  name: 'anybody',
  role: 'admin',
  campaigns: undefined,
  people: 'shown',
};

/** Whether he may read; what is left for others is to say what the gateway can do (introspection). */
export function mayRead({ role }: Viewer): boolean {
  return role !== 'ingest';
}

/** Whether he may know what the gateway does for everybody. */
export function mayObserve({ role, campaigns }: Viewer): boolean {
  return role === 'admin' && campaigns === undefined;
}

/** Whether he may put data in. */
export function mayWrite({ role }: Viewer): boolean {
  return role !== 'reader';
}
