import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadDemoData } from '../src/app/demo.ts';
import type { Entity } from '../src/domain/entities.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { emptyTables } from './support/import.ts';
import { expectPages, pageSelection } from './support/pages.ts';
import { MANY_TASKS, onRandomHistories } from './support/random-history.ts';
import { ascending, recordsShown } from './support/records.ts';
import { importEntities, importSimulation, recordWith, taskWith } from './support/rows.ts';
import { askScopes, ofType, scopesOf, type TaskHistory } from './support/scopes.ts';

const KINDS = [
  'RECORD_INSTANCES',
  'TASK_INSTANCES',
  'TASK_ATTRIBUTES',
  'TASK_FRAMES',
  'TASK_STATUS',
  'TASK_POOL',
  'MISSING_INITIALIZATION',
  'BACKWARDS',
  'COMPLETED_WITHOUT_SUBMISSION',
] as const;
type Kind = (typeof KINDS)[number];

interface Expected {
  kind: Kind;
  count: number;
  tasks: bigint[];
  records: bigint[];
}

/** The definitions, word for word, over the tasks and records of a scope. */
function discrepanciesOf(tasks: readonly TaskHistory[]): Expected[] {
  const found = new Map<Kind, { task: bigint; record?: bigint | undefined }[]>();
  const add = (kind: Kind, holds: boolean, task: bigint, record?: bigint) => {
    if (holds) found.set(kind, [...(found.get(kind) ?? []), { task, record }]);
  };
  for (const { task, records } of tasks) {
    for (const record of records) {
      const sum = Object.values(record.instanceInfo).reduce((total, count) => total + count, 0);
      add('RECORD_INSTANCES', sum !== record.instanceNum, task.id, record.id);
      const later = records.some(
        (other) => other.id < record.id && record.createdTime < other.createdTime,
      );
      add('BACKWARDS', later, task.id, record.id);
    }
    const last = records.at(-1);
    if (last) {
      add('TASK_INSTANCES', task.instanceNum !== last.instanceSum, task.id, last.id);
      add('TASK_ATTRIBUTES', task.attributeNum !== last.attributesSum, task.id, last.id);
      add('TASK_FRAMES', task.frameNum !== last.frameCount, task.id, last.id);
      add('TASK_STATUS', task.status !== last.status, task.id, last.id);
      add('TASK_POOL', task.poolId !== last.poolId, task.id, last.id);
    }
    const has = (action: number) => records.some((record) => record.actionType === action);
    add('MISSING_INITIALIZATION', !has(0), task.id);
    add('COMPLETED_WITHOUT_SUBMISSION', task.status === 11 && !has(7), task.id);
  }
  return KINDS.filter((kind) => found.has(kind)).map((kind) => {
    const rows = found.get(kind)!;
    return {
      kind,
      count: rows.length,
      tasks: ascending(new Set(rows.map(({ task }) => task))),
      records: ascending(new Set(rows.flatMap(({ record }) => record ?? []))),
    };
  });
}

/** The ends of each list; the lists of the tests may be longer than a page. */
const PAGE = 100;
const RECONCILIATION = `reconciliation { kind count
  tasks(first: ${PAGE}) { totalCount nodes { taskId } } lastTasks: tasks(last: ${PAGE}) { nodes { taskId } }
  records(first: ${PAGE}) { totalCount nodes { recordId } } lastRecords: records(last: ${PAGE}) { nodes { recordId } } }`;

const ids = (name: string, values: bigint[]) => values.map((id) => ({ [name]: String(id) }));

function shown(discrepancies: Expected[]): object[] {
  return discrepancies.map(({ kind, count, tasks, records }) => ({
    kind,
    count,
    tasks: { totalCount: tasks.length, nodes: ids('taskId', tasks.slice(0, PAGE)) },
    lastTasks: { nodes: ids('taskId', tasks.slice(-PAGE)) },
    records: { totalCount: records.length, nodes: ids('recordId', records.slice(0, PAGE)) },
    lastRecords: { nodes: ids('recordId', records.slice(-PAGE)) },
  }));
}

/** Asks for the reconciliation of every campaign and request, and holds it against the entities. */
async function expectReconciliation(gateway: TestGateway, entities: Entity[]): Promise<void> {
  const scopes = scopesOf(entities).filter(({ list }) => list !== 'pools');
  const answers = await askScopes(gateway, scopes, { fields: RECONCILIATION });
  for (const [{ list, id, tasks }, answer] of answers) {
    const reconciliation = shown(discrepanciesOf(tasks));
    expect(answer, `${list} ${id}`).toEqual({ reconciliation });
  }
}

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await createTestGateway();
});
afterAll(() => gateway.close());

describe('the reconciliation of random histories', () => {
  it('is what the definitions say, with its tasks and records', async () => {
    await onRandomHistories(gateway.database, 3, MANY_TASKS, async (entities) => {
      const found = scopesOf(entities).flatMap(({ tasks }) => discrepanciesOf(tasks));
      expect(new Set(found.map(({ kind }) => kind))).toEqual(new Set(KINDS));
      await expectReconciliation(gateway, entities);
    });
  });
});

/** A completed task and one in work, whose records and rows agree, in a campaign and request of their own. */
function consistent(name: string, number: number): Entity[] {
  const poolId = (place: number) => BigInt(number * 10 + place);
  const entities: Entity[] = [
    { type: 'campaign', id: name, name, projectId: BigInt(number), campaignType: 'POC' },
    { type: 'annotationRequest', id: name, name, campaignId: name },
    ...[0, 1, 2, 3, 5].map((poolType, place): Entity => {
      return { type: 'pool', id: poolId(place), name: 'pool', poolType, campaignId: name };
    }),
  ];
  // Action, status and pool of each step; the instances come with the submission.
  const steps = [
    [0, 1, 0],
    [5, 2, 1],
    [13, 3, 1],
    [7, 4, 1],
    [5, 5, 2],
    [13, 6, 2],
    [8, 6, 2],
    [6, 11, 4],
  ] as const;
  for (const [place, length] of [steps.length, 5].entries()) {
    const taskId = BigInt(number * 10 + place);
    const [, status, pool] = steps[length - 1]!;
    entities.push(
      taskWith({
        id: taskId,
        annotationRequestId: name,
        sceneId: String(place),
        status,
        poolId: poolId(pool),
        instanceInfo: { a: 2, b: 3 },
        instanceNum: 5,
        attributeNum: 4,
        frameNum: 7,
      }),
    );
    for (const [step, [actionType, after, at]] of steps.slice(0, length).entries()) {
      const touched = { instanceInfo: { a: 2, b: 3 }, instanceNum: 5, attributesNum: 4 };
      entities.push(
        recordWith({
          id: taskId * 100n + BigInt(step),
          taskId,
          status: after,
          poolId: poolId(at),
          createdTime: new Date(Date.UTC(2025, 3, 1, 10, step)),
          actionType,
          ...(actionType === 7 && touched),
          ...(step >= 3 && { instanceSum: 5, attributesSum: 4 }),
          frameCount: 7,
        }),
      );
    }
  }
  return entities;
}

/** A task's row as it stands after all lines so far. */
const taskOf = (entities: Entity[], place = 0) => {
  const tasks = ofType(entities, 'task');
  return tasks.findLast(({ id }) => id === tasks[place]!.id)!;
};
const recordsOf = (entities: Entity[]) => ofType(entities, 'annotationHistory');

/** The record of a step of the first task. */
const recordOf = (entities: Entity[], step: number) =>
  recordsOf(entities).find(({ id }) => id === taskOf(entities).id * 100n + BigInt(step))!;

/** Each disagreement, planted into the first task of such a campaign. */
const PLANTED: Record<Kind, (entities: Entity[]) => void> = {
  RECORD_INSTANCES: (entities) => {
    recordOf(entities, 3).instanceInfo = { a: 2 };
  },
  // Updates of rows that no record tells of.
  TASK_INSTANCES: (entities) => entities.push({ ...taskOf(entities), instanceNum: 6 }),
  TASK_ATTRIBUTES: (entities) => entities.push({ ...taskOf(entities), attributeNum: 0 }),
  TASK_FRAMES: (entities) => entities.push({ ...taskOf(entities), frameNum: 2_147_483_647 }),
  TASK_STATUS: (entities) => entities.push({ ...taskOf(entities, 1), status: 99 }),
  TASK_POOL: (entities) => {
    entities.push({ ...taskOf(entities), poolId: taskOf(entities).poolId - 1n });
  },
  MISSING_INITIALIZATION: (entities) => {
    entities.splice(entities.indexOf(recordOf(entities, 0)), 1);
    // A task without any record.
    entities.push({ ...taskOf(entities), id: taskOf(entities).id + 5n, sceneId: 'new', status: 2 });
  },
  BACKWARDS: (entities) => {
    recordOf(entities, 4).createdTime = new Date(Date.UTC(2025, 3, 1, 10, 0, 30));
  },
  COMPLETED_WITHOUT_SUBMISSION: (entities) => {
    recordOf(entities, 3).actionType = 99;
  },
};

describe('each disagreement', () => {
  beforeAll(() => emptyTables(gateway.database));

  it('is found where it was planted, and nothing else', async () => {
    const planted: [string, Entity[], Kind[]][] = [
      ['clean', [], []],
      ...KINDS.map((kind): [string, Entity[], Kind[]] => [kind, [], [kind]]),
      ['all', [], [...KINDS]],
    ];
    for (const [number, [name, entities, kinds]] of planted.entries()) {
      entities.push(...consistent(name, number));
      for (const kind of kinds) PLANTED[kind](entities);
    }
    const entities = planted.flatMap(([, own]) => own);
    await importEntities(gateway.database, entities);
    type Found = { campaignId: string; reconciliation: { kind: Kind }[] };
    const { campaigns } = await gateway.gql<{ campaigns: { nodes: Found[] } }>(
      '{ campaigns { nodes { campaignId reconciliation { kind } } } }',
    );
    const found = campaigns.nodes.map(({ campaignId, reconciliation }) => [
      campaignId,
      reconciliation.map(({ kind }) => kind),
    ]);
    expect(Object.fromEntries(found)).toEqual(
      Object.fromEntries(planted.map(([name, , kinds]) => [name, kinds])),
    );
    await expectReconciliation(gateway, entities);
  });

  it('shows its records page by page', async () => {
    const campaign = consistent('pages', 50);
    // Every record but a task's first is earlier than one with a lower id.
    for (const one of recordsOf(campaign)) one.createdTime = new Date(-Number(one.id));
    const backwards = recordsOf(campaign).filter(({ id }) => id % 100n > 0n);
    await importEntities(gateway.database, campaign);
    await expectPages(recordsShown(backwards), 4, async (page) => {
      const { annotationRequest } = await gateway.gql<{
        annotationRequest: { reconciliation: { kind: Kind; records: object }[] };
      }>(
        `{ annotationRequest(annotationRequestId: "pages") { reconciliation {
          kind records(${page}) ${pageSelection('recordId')} } } }`,
      );
      const { reconciliation } = annotationRequest;
      return reconciliation.find(({ kind }) => kind === 'BACKWARDS')!.records;
    });
  });
});

describe('simulated data', () => {
  it('adds up, as that of the demo does', async () => {
    await expectReconciliation(gateway, await importSimulation(gateway.database, 150));
    await emptyTables(gateway.database);
    await loadDemoData(gateway.database);
    for (const list of ['campaigns', 'annotationRequests']) {
      const answer = await gateway.gql<
        Record<string, { totalCount: number; nodes: { reconciliation: object[] }[] }>
      >(`{ ${list}(first: 100) { totalCount nodes { reconciliation { kind count } } } }`);
      const { totalCount, nodes } = answer[list]!;
      expect(nodes).toEqual(Array.from({ length: totalCount }, () => ({ reconciliation: [] })));
      expect(totalCount).toBeGreaterThan(0);
    }
  });
});
