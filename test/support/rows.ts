import type { Database } from '../../src/database/database.ts';
import type { AnnotationHistoryEntity, Entity, TaskEntity } from '../../src/domain/entities.ts';
import { importLines } from '../../src/import/import.ts';
import { toImportLine } from '../../src/simulator/format.ts';
import { simulate } from '../../src/simulator/simulate.ts';
import { emptyTables } from './import.ts';

/** Puts an import file's text into a database; every line of it must be taken. */
export async function importText(database: Database, text: string): Promise<void> {
  const problems: string[] = [];
  await importLines(
    database,
    (async function* () {
      yield await Promise.resolve(Buffer.from(text));
    })(),
    { onRejected: ({ line, message }) => problems.push(`${line}: ${message}`) },
  );
  if (problems.length > 0) throw new Error(`Lines were rejected:\n${problems.join('\n')}`);
}

export async function importEntities(
  database: Database,
  entities: Iterable<Entity>,
): Promise<void> {
  await importText(database, [...entities].map(toImportLine).join('\n'));
}

/** Puts entities in the place of all that a database has. */
export async function replaceAll(database: Database, entities: Iterable<Entity>): Promise<void> {
  await emptyTables(database);
  await importEntities(database, entities);
}

/** Puts simulated data in the place of all that a database has. @returns what was put there. */
export async function importSimulation(database: Database, tasks: number): Promise<Entity[]> {
  const entities = [...simulate({ tasks })];
  await replaceAll(database, entities);
  return entities;
}

const NO_COUNTS = { instanceInfo: {}, instanceNum: 0 };

/** A task in work that has nothing but what is told of it. */
export function taskWith(
  own: Pick<TaskEntity, 'id' | 'annotationRequestId' | 'poolId'> & Partial<TaskEntity>,
): TaskEntity {
  const nothing = { ...NO_COUNTS, attributeNum: 0, frameNum: 1 };
  return { type: 'task', sceneId: 'scene', status: 2, ...nothing, ...own };
}

/** A record that touches nothing but what is told of it. */
export function recordWith(
  own: Pick<AnnotationHistoryEntity, 'id' | 'taskId' | 'poolId' | 'createdTime' | 'actionType'> &
    Partial<AnnotationHistoryEntity>,
): AnnotationHistoryEntity {
  const nothing = {
    ...NO_COUNTS,
    instanceSum: 0,
    attributesNum: 0,
    attributesSum: 0,
    frameCount: 1,
  };
  return { type: 'annotationHistory', status: 2, ...nothing, ...own };
}

/** A regular grid of rows: `requests` requests of one campaign, each with tasks, each of those with records. */
export interface Grid {
  requests: number;
  tasksPerRequest: number;
  recordsPerTask: number;
  /** How many different operators the records have; none unless told. */
  operators?: number;
}

const FIRST_TASK_ID = 466_917_967_054_114_816n;

/** The entities of a grid; request `ar-01`, `ar-02`… in campaign `c-1`, ids above 2^53. */
export function* grid({
  requests,
  tasksPerRequest,
  recordsPerTask,
  operators,
}: Grid): Generator<Entity> {
  yield { type: 'campaign', id: 'c-1', projectId: 1234n, name: 'Grid', campaignType: 'POC' };
  yield { type: 'pool', id: 3001n, name: 'pool', poolType: 1, campaignId: 'c-1' };
  const width = String(requests).length;
  for (let r = 1; r <= requests; r++) {
    const id = `ar-${String(r).padStart(width, '0')}`;
    yield { type: 'annotationRequest', id, name: `AR ${r}`, campaignId: 'c-1' };
  }
  const counts = { instanceInfo: { key: 2 }, instanceNum: 2 };
  // The tasks of the requests alternate, so that a page of several requests has to merge them.
  for (let t = 0; t < tasksPerRequest; t++) {
    for (let r = 1; r <= requests; r++) {
      const number = BigInt(t * requests + r);
      const taskId = FIRST_TASK_ID + number;
      yield taskWith({
        id: taskId,
        annotationRequestId: `ar-${String(r).padStart(width, '0')}`,
        sceneId: `scene-${t}`,
        poolId: 3001n,
        ...counts,
        attributeNum: 1,
      });
      for (let k = 0; k < recordsPerTask; k++) {
        yield recordWith({
          id: FIRST_TASK_ID + number * 100n + BigInt(k),
          taskId,
          poolId: 3001n,
          createdTime: new Date(Date.UTC(2025, 3, 1, 10, 0, k)),
          actionType: 5,
          ...(operators !== undefined && { poolAssigneeId: BigInt(5001 + (t % operators)) }),
          ...counts,
          instanceSum: 2,
          attributesNum: 1,
          attributesSum: 1,
        });
      }
    }
  }
}
