import { expect } from 'vitest';
import type { Entity, TaskEntity } from '../../src/domain/entities.ts';
import type { TestGateway } from './gateway.ts';
import { inOrder, type HistoryRecord } from './records.ts';

/** Whose history is measured, as plain rows, to work measures out by hand. */

export interface TaskHistory {
  task: TaskEntity;
  /** In the order in which they were done. */
  records: HistoryRecord[];
}

/** A campaign, a request or a pool, with the tasks whose history is its own. */
export interface Scope {
  list: 'campaigns' | 'annotationRequests' | 'pools';
  key: string;
  id: string;
  tasks: TaskHistory[];
}

export interface Range {
  from?: Date | undefined;
  to?: Date | undefined;
}

export function isIn({ from, to }: Range, instant: Date): boolean {
  return (!from || instant >= from) && (!to || instant < to);
}

export function ofType<Type extends Entity['type']>(entities: readonly Entity[], type: Type) {
  return entities.filter((one): one is Extract<Entity, { type: Type }> => one.type === type);
}

/** Every campaign, request and pool of some entities; a pool has the tasks that have ever been in it. */
export function scopesOf(entities: readonly Entity[]): Scope[] {
  // A line for a task that was there already is an update.
  const histories = new Map(
    ofType(entities, 'task').map((task) => [task.id, { task, records: [] as HistoryRecord[] }]),
  );
  for (const record of ofType(entities, 'annotationHistory')) {
    histories.get(record.taskId)!.records.push(record);
  }
  for (const { records } of histories.values()) records.sort(inOrder);
  const requests = ofType(entities, 'annotationRequest');
  const campaignOf = new Map(requests.map(({ id, campaignId }) => [id, campaignId]));
  const tasks = [...histories.values()];
  return [
    ...ofType(entities, 'campaign').map(({ id }): Scope => ({
      list: 'campaigns',
      key: 'campaignId',
      id,
      tasks: tasks.filter(({ task }) => campaignOf.get(task.annotationRequestId) === id),
    })),
    ...requests.map(({ id }): Scope => ({
      list: 'annotationRequests',
      key: 'annotationRequestId',
      id,
      tasks: tasks.filter(({ task }) => task.annotationRequestId === id),
    })),
    ...ofType(entities, 'pool').map(({ id }): Scope => ({
      list: 'pools',
      key: 'poolId',
      id: String(id),
      tasks: tasks.filter(({ records }) => records.some(({ poolId }) => poolId === id)),
    })),
  ];
}

/** The pool that a scope is, if it is one. */
export const ownPool = ({ list, id }: Scope) => (list === 'pools' ? BigInt(id) : undefined);

export function poolTypesOf(entities: readonly Entity[]): Map<bigint, number> {
  return new Map(ofType(entities, 'pool').map(({ id, poolType }) => [id, poolType]));
}

/** The instants of all records, the earliest first. */
export function timesOf(entities: readonly Entity[]): number[] {
  return ofType(entities, 'annotationHistory')
    .map(({ createdTime }) => createdTime.getTime())
    .sort((a, b) => a - b);
}

/** The instant of the record that a share of all are not later than. */
export function instantAt(entities: readonly Entity[], share: number): Date {
  const times = timesOf(entities);
  return new Date(times[Math.floor(share * (times.length - 1))]!);
}

/** Stretches of the time of all records, ending at the very instants of some. */
export function stretchesOf(entities: readonly Entity[]): Range[] {
  const middle = instantAt(entities, 0.5);
  return [
    { from: instantAt(entities, 0.3), to: instantAt(entities, 0.6) },
    { from: middle },
    { to: middle },
    { from: middle, to: middle },
  ];
}

/** The campaign with the most tasks. */
export function largestCampaign(entities: readonly Entity[]): Scope {
  const campaigns = scopesOf(entities).filter(({ list }) => list === 'campaigns');
  return campaigns.sort((a, b) => b.tasks.length - a.tasks.length)[0]!;
}

interface ScopeQuery {
  fields: string;
  fragments?: string;
  /** The types of the variables. */
  parameters?: string;
}

/** Asks all rows of the lists of some scopes for fields, which must succeed, and gives what each scope answered. */
export async function askScopes(
  gateway: TestGateway,
  scopes: readonly Scope[],
  { fields, fragments = '', parameters = '' }: ScopeQuery,
  variables: object = {},
): Promise<[Scope, Record<string, unknown>][]> {
  const lists = [...new Map(scopes.map(({ list, key }) => [list, key]))];
  const data = await gateway.gql<Record<string, { nodes: { scopeKey: string }[] }>>(
    `query${parameters && `(${parameters})`} { ${lists
      .map(([list, key]) => `${list}(first: 100) { nodes { scopeKey: ${key} ${fields} } }`)
      .join(' ')} } ${fragments}`,
    variables,
  );
  const answers = new Map(
    lists.flatMap(([list]) =>
      data[list]!.nodes.map(({ scopeKey, ...answer }) => [`${list} ${scopeKey}`, answer] as const),
    ),
  );
  expect(answers.size).toBe(scopes.length);
  return scopes.map((scope) => {
    const answer = answers.get(`${scope.list} ${scope.id}`);
    expect(answer, `${scope.list} ${scope.id}`).toBeDefined();
    return [scope, answer!];
  });
}
