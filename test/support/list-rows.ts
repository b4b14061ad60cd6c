import type { Entity } from '../../src/domain/entities.ts';
import type { Noun } from '../../src/domain/nouns.ts';

/** The rows of every noun as the tests' own evaluation sees them: by the names of GraphQL, with their relations. */
export interface ModelRow {
  noun: Noun;
  values: Record<string, Value>;
  related: Record<string, ModelRow | ModelRow[]>;
}
export type Value = string | bigint | number | null;

export const FIELDS: Record<Noun, { list: string; key: string }> = {
  Campaign: { list: 'campaigns', key: 'campaignId' },
  AnnotationRequest: { list: 'annotationRequests', key: 'annotationRequestId' },
  Pool: { list: 'pools', key: 'poolId' },
  Task: { list: 'tasks', key: 'taskId' },
  AnnotationHistory: { list: 'annotationHistory', key: 'recordId' },
};
export const NOUNS = Object.keys(FIELDS) as Noun[];

// Few different values, so that filters match and orders have ties; odd characters, so that escaping matters.
export const TEXTS = ['a', 'A', 'b%', 'b_', 'B\\', 'é', 'z', '100', '😀'];
const STATUSES = [1, 2, 11, 7, 99];
export const BIG = 466_917_967_054_114_816n;

/** All rows, by their noun. */
export const model: Record<Noun, ModelRow[]> = {
  Campaign: [],
  AnnotationRequest: [],
  Pool: [],
  Task: [],
  AnnotationHistory: [],
};

function row(noun: Noun, values: Record<string, Value>): ModelRow {
  const made = { noun, values, related: {} };
  model[noun].push(made);
  return made;
}

/** Fills the model with rows, always the same, and gives them as an import file. */
export function buildRows(): string {
  for (const rows of Object.values(model)) rows.length = 0;
  const lines: object[] = [];
  // A small linear generator: the rows are always the same.
  let seed = 7;
  const next = (bound: number) => (seed = (seed * 48_271) % 2_147_483_647) % bound;
  const pick = <T>(values: readonly T[]) => values[next(values.length)]!;
  const maybe = <T>(value: T) => (next(3) === 0 ? null : value);

  const campaigns = TEXTS.slice(0, 4).map((text, i) => {
    const values = {
      campaignId: `c-${text}`,
      projectId: BigInt(i) + 9_007_199_254_740_993n,
      name: `${text} campaign`,
      campaignType: pick(['POC', 'FORMAL']),
      workflowType: maybe(pick(TEXTS)),
      folderName: maybe(pick(TEXTS)),
      taxonomyVersionName: maybe(pick(TEXTS)),
    };
    const { campaignId: id, ...rest } = values;
    lines.push({ type: 'campaign', id, ...rest, projectId: String(values.projectId) });
    return row('Campaign', values);
  });
  const requests = TEXTS.map((text) => {
    const campaign = pick(campaigns);
    const values = {
      annotationRequestId: text,
      name: `AR ${text}`,
      createdAt: `2025-04-0${1 + next(3)}T10:00:00.00${next(3)}Z`,
    };
    const { annotationRequestId: id, ...rest } = values;
    lines.push({ type: 'annotationRequest', id, ...rest, campaignId: campaign.values.campaignId });
    const made = row('AnnotationRequest', values);
    made.related = { campaign, tasks: [], annotationHistory: [] };
    return made;
  });
  const pools = Array.from({ length: 12 }, (_, i) => {
    const campaign = campaigns[i % campaigns.length]!;
    const typeCode = pick([0, 1, 2, 9]);
    const values = { poolId: BigInt(i), name: pick(TEXTS), type: typeCode, typeCode };
    lines.push({
      type: 'pool',
      id: i,
      name: values.name,
      poolType: typeCode,
      campaignId: campaign.values.campaignId,
    });
    const made = row('Pool', values);
    made.related = { campaign, tasks: [] };
    return made;
  });
  const tasks = Array.from({ length: 40 }, (_, i) => {
    const request = pick(requests);
    const campaign = request.related.campaign as ModelRow;
    const pool = pick(pools.filter((one) => one.related.campaign === campaign));
    const status = pick(STATUSES);
    const values = {
      taskId: BIG + BigInt(i),
      sceneId: `${pick(TEXTS)} ${i}`,
      status,
      statusCode: status,
      instanceNum: next(3),
      attributeNum: next(3),
      frameNum: next(3),
    };
    lines.push({
      type: 'task',
      id: String(values.taskId),
      annotationRequestId: request.values.annotationRequestId,
      sceneId: values.sceneId,
      status,
      poolId: Number(pool.values.poolId),
      instanceInfo: {},
      instanceNum: values.instanceNum,
      attributeNum: values.attributeNum,
      frameNum: values.frameNum,
    });
    const made = row('Task', values);
    made.related = { campaign, annotationRequest: request, pool, annotationHistory: [] };
    (request.related.tasks as ModelRow[]).push(made);
    (pool.related.tasks as ModelRow[]).push(made);
    return made;
  });
  for (let i = 0; i < 120; i++) {
    const task = pick(tasks);
    const campaign = task.related.campaign as ModelRow;
    const request = task.related.annotationRequest as ModelRow;
    const pool = pick(pools.filter((one) => one.related.campaign === campaign));
    const status = pick(STATUSES);
    const action = pick([0, 5, 7, 18]);
    const values = {
      recordId: BIG * 2n + BigInt(i),
      status,
      statusCode: status,
      action,
      actionCode: action,
      teamId: maybe(BIG + BigInt(next(2))),
      poolAssigneeId: maybe(BigInt(next(3))),
      creatorId: maybe(BigInt(next(2))),
      createdTime: `2025-04-0${1 + next(3)}T10:00:00.00${next(3)}Z`,
      instanceNum: next(2),
      instanceSum: next(2),
      attributesNum: next(2),
      attributesSum: next(2),
      frameCount: next(2),
    };
    const { recordId, actionCode, ...rest } = values;
    lines.push({
      type: 'annotationHistory',
      id: String(recordId),
      taskId: String(task.values.taskId),
      poolId: Number(pool.values.poolId),
      instanceInfo: values.instanceNum > 0 ? { key: values.instanceNum } : {},
      actionType: actionCode,
      ...rest,
      // What only GraphQL has.
      statusCode: undefined,
      action: undefined,
    });
    const made = row('AnnotationHistory', values);
    made.related = { task, pool, annotationRequest: request };
    (task.related.annotationHistory as ModelRow[]).push(made);
    (request.related.annotationHistory as ModelRow[]).push(made);
  }
  for (const campaign of campaigns) {
    const mine = (rows: ModelRow[]) => rows.filter((one) => one.related.campaign === campaign);
    campaign.related = {
      annotationRequests: mine(model.AnnotationRequest),
      pools: mine(model.Pool),
      tasks: mine(model.Task),
    };
  }
  const digits = (_key: string, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value;
  return lines.map((line) => JSON.stringify(line, digits)).join('\n');
}

/** Imported entities as such rows. */
export function rowsOfEntities(entities: readonly Entity[]): Record<Noun, ModelRow[]> {
  const made: Record<Entity['type'], Map<unknown, ModelRow>> = {
    campaign: new Map(),
    annotationRequest: new Map(),
    pool: new Map(),
    task: new Map(),
    annotationHistory: new Map(),
  };
  for (const entity of entities) {
    const noun = (entity.type[0]!.toUpperCase() + entity.type.slice(1)) as Noun;
    const related: ModelRow['related'] = {};
    const values: Record<string, Value> = { [FIELDS[noun].key]: entity.id };
    for (const [name, value] of Object.entries(entity) as [string, unknown][]) {
      values[name] = value instanceof Date ? value.toISOString() : (value as Value);
    }
    if ('campaignId' in entity) related.campaign = made.campaign.get(entity.campaignId)!;
    if ('poolId' in entity) related.pool = made.pool.get(entity.poolId)!;
    if (entity.type === 'task') {
      related.annotationRequest = made.annotationRequest.get(entity.annotationRequestId)!;
      related.campaign = related.annotationRequest.related.campaign!;
      related.annotationHistory = [];
    }
    if (entity.type === 'annotationHistory') {
      related.task = made.task.get(entity.taskId)!;
      related.annotationRequest = related.task.related.annotationRequest!;
      values.action = values.actionCode = entity.actionType;
      for (const name of ['teamId', 'poolAssigneeId', 'creatorId']) values[name] ??= null;
    }
    if ('status' in entity) values.statusCode = entity.status;
    if ('poolType' in entity) values.typeCode = entity.poolType;
    const row = { noun, values, related };
    made[entity.type].set(entity.id, row);
    if (entity.type === 'annotationHistory') {
      ((related.task as ModelRow).related.annotationHistory as ModelRow[]).push(row);
    }
  }
  return {
    Campaign: [...made.campaign.values()],
    AnnotationRequest: [...made.annotationRequest.values()],
    Pool: [...made.pool.values()],
    Task: [...made.task.values()],
    AnnotationHistory: [...made.annotationHistory.values()],
  };
}
