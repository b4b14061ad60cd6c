import { createHash } from 'node:crypto';
import { isLosslessNumber, parse } from 'lossless-json';
import { describe, expect, it } from 'vitest';
import { POOL_TYPE, TASK_ACTION, TASK_STATUS } from '../src/domain/codes.ts';
import type {
  AnnotationHistoryEntity,
  AnnotationRequestEntity,
  CampaignEntity,
  Entity,
  EntityType,
  PoolEntity,
  TaskEntity,
} from '../src/domain/entities.ts';
import { toImportLine } from '../src/simulator/format.ts';
import { crewOf, MANAGER_ACCOUNTS, MANAGER_HOURS, type Operator } from '../src/simulator/people.ts';
import { DEFAULT_SEED, simulate } from '../src/simulator/simulate.ts';

const demo = [...simulate({ tasks: 2_000 })];

function of<T extends Entity>(type: T['type'], entities: readonly Entity[] = demo): T[] {
  return entities.filter((entity): entity is T => entity.type === type);
}
const campaigns = of<CampaignEntity>('campaign');
const requests = of<AnnotationRequestEntity>('annotationRequest');
const pools = of<PoolEntity>('pool');
const tasks = of<TaskEntity>('task');
const records = of<AnnotationHistoryEntity>('annotationHistory');

const poolTypes = new Map(pools.map((pool) => [pool.id, pool.poolType]));
const histories = new Map<bigint, AnnotationHistoryEntity[]>(tasks.map((task) => [task.id, []]));
for (const record of records) histories.get(record.taskId)!.push(record);

const crews = [0, 1, 2].flatMap((crew) => crewOf(DEFAULT_SEED, 0, crew));
const accounts = new Set(crews.map((operator) => operator.accountId));
const operators = new Map<bigint, Operator>(crews.map((operator) => [operator.id, operator]));

/** The first few things that are wrong; a test then shows them rather than their number. */
function faults<T>(list: Iterable<T>, check: (item: T) => string | null | false): string[] {
  const found: string[] = [];
  for (const item of list) {
    const fault = check(item);
    if (fault) found.push(fault);
    if (found.length === 5) break;
  }
  return found;
}

/** Pool type and status. */
function placeOf(record: AnnotationHistoryEntity): string {
  return `${poolTypes.get(record.poolId)}/${record.status}`;
}

/** What each action may lead from and to, as pool type and status: the contract's table, written out. */
const WORK = ['1/3', '2/6', '3/9'];
const same = (places: string[]) => Object.fromEntries(places.map((place) => [place, [place]]));
const given = { '1/3': ['1/2'], '2/6': ['2/5'], '3/9': ['3/8'] };
const LAW: Record<number, Record<string, string[]>> = {
  0: { none: ['0/1'] },
  1: same(WORK),
  2: given,
  3: same(WORK),
  4: { ...same(['4/2', ...WORK]), '0/1': ['0/0'] },
  5: { '0/1': ['1/2', '4/2'], '4/2': ['1/2'], '1/4': ['2/5'], '2/6': ['3/8'] },
  6: { '3/10': ['5/11'] },
  7: { '1/3': ['1/4'] },
  8: { '2/6': ['2/6'] },
  9: { '3/9': ['3/10'] },
  10: { '3/9': ['2/5', '1/2'] },
  11: same(WORK),
  12: given,
  13: { '1/2': ['1/3'], '2/5': ['2/6'], '3/8': ['3/9'] },
  14: { '3/8': ['3/8'], '3/9': ['3/8'], '3/10': ['3/8'] },
  15: same(['0/1', '1/2', '2/5', '3/8', ...WORK]),
  16: given,
  17: { '2/6': ['1/2'] },
};

const BY_OPERATORS = [1, 2, 3, 7, 8, 9, 10, 11, 13, 17];
const BY_NOBODY = [0, 4, 5, 6, 12, 14, 16];
const ENDS_HOLD = [2, 7, 8, 9, 10, 12, 14, 16, 17];

describe('the rows', () => {
  it('are the same at each run, on every machine', () => {
    const hash = createHash('sha256');
    for (const entity of simulate({ tasks: 2_000 })) hash.update(`${toImportLine(entity)}\n`);
    expect(hash.digest('hex')).toBe(
      'ca4962868558fbbdccfe59f21c92b43cbf2f4368e93ae0e90c65a4d2aa9e63bf',
    );
  });

  it('differ with another seed', () => {
    const [campaign] = simulate({ tasks: 1, seed: DEFAULT_SEED + 1 });
    expect(campaign).not.toEqual(campaigns[0]);
  });

  it('begin with the same campaigns if there are more of them', () => {
    const longer = simulate({ tasks: 2_600 });
    const whole = demo.slice(0, demo.indexOf(campaigns.at(-1)!));
    for (const entity of whole) expect(longer.next().value).toEqual(entity);
  });

  it('are the number asked for', () => {
    expect(tasks).toHaveLength(2_000);
    expect(records.length).toBeGreaterThan(18_000);
    expect(records.length).toBeLessThan(22_000);
    expect(campaigns.length).toBeGreaterThanOrEqual(4);
    expect([...simulate({ tasks: 0 })]).toEqual([]);
    for (const number of [1, 2, 19, 21, 373]) {
      const few = [...simulate({ tasks: number })];
      expect(of('task', few)).toHaveLength(number);
      const used = new Set(of<TaskEntity>('task', few).map((task) => task.annotationRequestId));
      expect(of('annotationRequest', few)).toHaveLength(used.size);
    }
    expect(() => [...simulate({ tasks: -1 })]).toThrow(RangeError);
    expect(() => [...simulate({ tasks: 1.5 })]).toThrow(RangeError);
  });

  it('refer only to earlier ones of the same campaign', () => {
    const campaignOf = new Map<unknown, string>();
    const wrong = faults(demo, (entity) => {
      const line = toImportLine(entity);
      switch (entity.type) {
        case 'campaign':
          campaignOf.set(entity.id, entity.id);
          return null;
        case 'annotationRequest':
        case 'pool':
          campaignOf.set(entity.id, entity.campaignId);
          return !campaignOf.has(entity.campaignId) && line;
        case 'task': {
          const campaign = campaignOf.get(entity.annotationRequestId);
          campaignOf.set(entity.id, campaign!);
          return (!campaign || campaignOf.get(entity.poolId) !== campaign) && line;
        }
        case 'annotationHistory': {
          const campaign = campaignOf.get(entity.taskId);
          return (!campaign || campaignOf.get(entity.poolId) !== campaign) && line;
        }
      }
    });
    expect(wrong).toEqual([]);
  });

  it('have unique keys and names, over several waves of campaigns, clear of the examples', () => {
    const seen = new Set<unknown>();
    const taken = new Set<unknown>(['c-1', 'ar-1', 3001n, 466917967054114816n, 'Helix 3D', 'AR 1']);
    const wrong = faults(simulate({ tasks: 6_000 }), (entity) => {
      const keys: unknown[] = [`${entity.type} ${entity.id}`];
      if ('name' in entity) keys.push(`${entity.type} ${entity.name}`);
      if (entity.type === 'campaign') keys.push(`project ${entity.projectId}`);
      if (entity.type === 'task') keys.push(`${entity.annotationRequestId} ${entity.sceneId}`);
      // Task and record ids come from one source.
      if (entity.type === 'task') keys.push(`annotationHistory ${entity.id}`);
      const repeated = keys.some((key) => seen.has(key));
      for (const key of keys) seen.add(key);
      const isExample =
        taken.has(entity.id) ||
        ('name' in entity && taken.has(entity.name)) ||
        (entity.type === 'campaign' && entity.projectId === 1234n);
      const isSnowflake =
        (entity.type !== 'task' && entity.type !== 'annotationHistory') ||
        (entity.id > 2n ** 53n && entity.id < 2n ** 63n);
      return (repeated || isExample || !isSnowflake) && toImportLine(entity);
    });
    expect(wrong).toEqual([]);
  });

  it('show every code', () => {
    const sorted = (values: Iterable<number>) => [...new Set(values)].sort((a, b) => a - b);
    const statuses = Object.values(TASK_STATUS);
    const types = Object.values(POOL_TYPE);
    expect(sorted(records.map((record) => record.actionType))).toEqual(Object.values(TASK_ACTION));
    expect(sorted(records.map((record) => record.status))).toEqual(statuses);
    expect(sorted(records.map((record) => poolTypes.get(record.poolId)!))).toEqual(types);
    expect(sorted(tasks.map((task) => task.status))).toEqual(statuses);
    expect(sorted(tasks.map((task) => poolTypes.get(task.poolId)!))).toEqual(types);
    expect(new Set(campaigns.map((campaign) => campaign.campaignType)).size).toBe(2);
    expect(campaigns.filter((campaign) => campaign.workflowType === undefined)).toHaveLength(1);
    expect(requests.every((request) => request.createdAt instanceof Date)).toBe(true);
  });

  it('show campaigns that are done, under way and just begun', () => {
    const shares = campaigns.map((campaign) => {
      const own = new Set(pools.filter((p) => p.campaignId === campaign.id).map((p) => p.id));
      const all = tasks.filter((task) => own.has(task.poolId));
      return all.filter((task) => task.status === TASK_STATUS.APPROVED).length / all.length;
    });
    expect(shares.filter((share) => share > 0.95).length).toBeGreaterThanOrEqual(2);
    expect(shares.some((share) => share > 0.3 && share < 0.9)).toBe(true);
    expect(shares.some((share) => share < 0.15)).toBe(true);
  });
});

describe('a history', () => {
  it('obeys the law of actions', () => {
    const wrong = faults(histories.values(), (history) => {
      let place = 'none';
      for (const record of history) {
        const before = place;
        place = placeOf(record);
        if (!LAW[record.actionType]?.[before]?.includes(place)) {
          return `${record.taskId}: ${before} -- ${record.actionType} --> ${place}`;
        }
      }
      return history.length === 0 && 'no records';
    });
    expect(wrong).toEqual([]);
  });

  it('has work done only by who holds the task', () => {
    const wrong = faults(histories.values(), (history) => {
      let holder: bigint | null = null;
      let stopped = false;
      let over = false;
      for (const { actionType, status, poolAssigneeId, id } of history) {
        const own = poolAssigneeId === holder;
        if (over) return `${id}: something follows the end`;
        if (actionType === 13 && holder !== null) return `${id}: picked up twice`;
        if (actionType === 3 && (!stopped || !own)) return `${id}: resumed by another`;
        if (stopped && ![2, 3, 12, 16].includes(actionType)) return `${id}: work while stopped`;
        if ([1, 2, 7, 8, 9, 10, 11, 15, 17].includes(actionType) && !own) return `${id}: not held`;
        if ([12, 16].includes(actionType) && holder === null)
          return `${id}: nobody to take it from`;
        if ([5, 6].includes(actionType) && holder !== null)
          return `${id}: moved from under someone`;
        if (actionType === 13) holder = poolAssigneeId!;
        if (ENDS_HOLD.includes(actionType)) holder = null;
        stopped = actionType === 1 || actionType === 11;
        over = actionType === 15 || status === 11 || status === 0;
      }
      return null;
    });
    expect(wrong).toEqual([]);
  });

  it('names operators and their teams for work, and nobody for what the platform does', () => {
    const wrong = faults(records, (record) => {
      const { actionType, poolAssigneeId, teamId, creatorId } = record;
      const line = toImportLine(record);
      if (poolAssigneeId === null) {
        if (BY_OPERATORS.includes(actionType) || teamId !== null) return line;
        return (!creatorId || accounts.has(creatorId)) && line;
      }
      if (BY_NOBODY.includes(actionType)) return line;
      const operator = operators.get(poolAssigneeId!);
      if (operator === undefined || operator.teamId !== teamId) return line;
      return (creatorId !== operator.accountId || creatorId === poolAssigneeId) && line;
    });
    expect(wrong).toEqual([]);
    expect(new Set(records.map((record) => record.poolAssigneeId)).size).toBeGreaterThan(40);
  });

  it('runs forward in time, within the dates of the demo, and so do its ids', () => {
    const from = Date.UTC(2025, 1, 3);
    const to = Date.UTC(2025, 5, 30);
    const createdAt = new Map(requests.map((request) => [request.id, +request.createdAt!]));
    const requestOf = new Map(tasks.map((task) => [task.id, task.annotationRequestId]));
    const last = new Map<bigint, number>();
    const wrong = faults(records, (record) => {
      const time = +record.createdTime;
      const before = last.get(record.taskId) ?? createdAt.get(requestOf.get(record.taskId)!)!;
      last.set(record.taskId, time);
      return (time <= before || time < from || time > to) && toImportLine(record);
    });
    expect(wrong).toEqual([]);

    let previous: AnnotationHistoryEntity | null = null;
    let previousCampaign: string | undefined;
    const campaignOf = new Map(pools.map((pool) => [pool.id, pool.campaignId]));
    const disordered = faults(records, (record) => {
      const before = previousCampaign === campaignOf.get(record.poolId) ? previous : null;
      previous = record;
      previousCampaign = campaignOf.get(record.poolId);
      const { id, createdTime } = before ?? { id: 0n, createdTime: new Date(0) };
      return (record.id <= id || record.createdTime < createdTime) && toImportLine(record);
    });
    expect(disordered).toEqual([]);
  });

  it('has people act in their working hours only', () => {
    const clocks = new Map(
      [MANAGER_HOURS, ...crews.map((operator) => operator.hours)].map(({ zone }) => [
        zone,
        new Intl.DateTimeFormat('en-GB', {
          timeZone: zone,
          weekday: 'short',
          hour: '2-digit',
          minute: '2-digit',
          second: '2-digit',
          hourCycle: 'h23',
        }),
      ]),
    );
    let saturdays = 0;
    const wrong = faults(records, (record) => {
      const hours = MANAGER_ACCOUNTS.some((account) => account === record.creatorId)
        ? MANAGER_HOURS
        : operators.get(record.poolAssigneeId ?? -1n)?.hours;
      if (hours === undefined) return null;
      const parts = clocks.get(hours.zone)!.formatToParts(record.createdTime);
      const part = (type: string) => parts.find((one) => one.type === type)!.value;
      const clock = 1_000 * (+part('hour') * 3_600 + +part('minute') * 60 + +part('second'));
      const day = part('weekday');
      const atLunch = clock > hours.lunchStarts && clock < hours.lunchEnds;
      if (day === 'Sat') saturdays += 1;
      const ends = day === 'Sat' ? hours.lunchStarts : hours.ends;
      const isOff = day === 'Sun' || (day === 'Sat' && hours.saturdays === null);
      const isOut = clock < hours.starts || clock > ends || atLunch;
      return (isOff || isOut) && `${day} ${toImportLine(record)}`;
    });
    expect(wrong).toEqual([]);
    expect(saturdays).toBeGreaterThan(0);
    for (const { hours } of crews) {
      expect(hours.starts).toBeGreaterThanOrEqual(7 * 3_600_000);
      expect(hours.ends).toBeLessThanOrEqual(20 * 3_600_000);
    }
  });

  it('has nobody work on two tasks at once, in all campaigns together', () => {
    const workingOn = new Map<bigint, bigint>();
    const holder = new Map<bigint, bigint>();
    const ordered = [...records].sort(
      (a, b) => +a.createdTime - +b.createdTime || (a.id < b.id ? -1 : 1),
    );
    const wrong = faults(ordered, (record) => {
      const { actionType, taskId, poolAssigneeId } = record;
      if (actionType === 13 || actionType === 3) {
        const busy = workingOn.has(poolAssigneeId!);
        workingOn.set(poolAssigneeId!, taskId);
        holder.set(taskId, poolAssigneeId!);
        return busy && toImportLine(record);
      }
      const person = holder.get(taskId);
      const stops = ENDS_HOLD.includes(actionType) || [1, 11, 15].includes(actionType);
      if (stops && person !== undefined && workingOn.get(person) === taskId) {
        workingOn.delete(person);
      }
      return null;
    });
    expect(wrong).toEqual([]);
  });

  it('adds up', () => {
    const previous = new Map<bigint, AnnotationHistoryEntity>();
    const sum = (info: Readonly<Record<string, number>>) =>
      Object.values(info).reduce((total, count) => total + count, 0);
    const touching = [TASK_ACTION.SUBMIT_ANNOTATION, TASK_ACTION.CHECK, TASK_ACTION.SAMPLING];
    const wrong = faults(records, (record) => {
      const before = previous.get(record.taskId);
      previous.set(record.taskId, record);
      const counts = [
        ...Object.values(record.instanceInfo),
        record.instanceNum,
        record.instanceSum,
        record.attributesNum,
        record.attributesSum,
        record.frameCount,
      ];
      const whole = counts.every((n) => Number.isInteger(n) && n >= 0 && n < 2 ** 31);
      const grown = Math.abs(record.instanceSum - (before?.instanceSum ?? 0));
      const grownAttributes = Math.abs(record.attributesSum - (before?.attributesSum ?? 0));
      const preLabels =
        record.actionType === 5 && before && poolTypes.get(before.poolId) === POOL_TYPE.ALGORITHM;
      const mayTouch = touching.some((action) => action === record.actionType) || preLabels;
      const fits =
        whole &&
        sum(record.instanceInfo) === record.instanceNum &&
        record.attributesNum <= record.instanceNum &&
        record.attributesSum <= record.instanceSum &&
        grown <= record.instanceNum &&
        grownAttributes <= record.attributesNum &&
        (mayTouch || record.instanceNum === 0) &&
        record.frameCount === (before ?? record).frameCount;
      return !fits && toImportLine(record);
    });
    expect(wrong).toEqual([]);
    expect(records.some((r) => r.actionType === 8 && r.instanceNum > 0)).toBe(true);
    expect(records.some((r) => r.actionType === 5 && r.instanceNum > 0)).toBe(true);
  });

  it('ends where its task is', () => {
    const wrong = faults(tasks, (task) => {
      const history = histories.get(task.id)!;
      const last = history.at(-1)!;
      const total = Object.values(task.instanceInfo).reduce((sum, count) => sum + count, 0);
      const submitted = history.some((r) => r.actionType === TASK_ACTION.SUBMIT_ANNOTATION);
      const fits =
        task.lastRecordId === last.id &&
        task.status === last.status &&
        task.poolId === last.poolId &&
        task.instanceNum === last.instanceSum &&
        task.attributeNum === last.attributesSum &&
        task.frameNum === last.frameCount &&
        task.instanceNum === total &&
        (task.status !== TASK_STATUS.APPROVED || (submitted && total > 0));
      return !fits && toImportLine(task);
    });
    expect(wrong).toEqual([]);
  });
});

describe('a line of the import format', () => {
  it('has exact digits, instants with Z and no absent fields', () => {
    expect(
      toImportLine({
        type: 'annotationHistory',
        id: 9223372036854775807n,
        taskId: 466917967054114816n,
        status: 2,
        poolId: 3001n,
        teamId: null,
        poolAssigneeId: undefined,
        createdTime: new Date('2025-04-01T10:00:00Z'),
        actionType: 5,
        instanceInfo: { 'select-[e000f]': 44, '"quoted"': 11 },
        instanceNum: 55,
        instanceSum: 55,
        attributesNum: 0,
        attributesSum: 5,
        frameCount: 1,
      }),
    ).toBe(
      '{"type":"annotationHistory","id":9223372036854775807,"taskId":466917967054114816,' +
        '"status":2,"poolId":3001,"teamId":null,"createdTime":"2025-04-01T10:00:00.000Z",' +
        '"actionType":5,"instanceInfo":{"select-[e000f]":44,"\\"quoted\\"":11},"instanceNum":55,' +
        '"instanceSum":55,"attributesNum":0,"attributesSum":5,"frameCount":1}',
    );
  });

  it('reads back as the entity it was, for one of each type', () => {
    const plain = (value: unknown): unknown =>
      JSON.parse(
        JSON.stringify(value, (_key, inner: unknown) =>
          typeof inner === 'bigint' || isLosslessNumber(inner) || typeof inner === 'number'
            ? String(inner)
            : inner,
        ),
      );
    const types: EntityType[] = ['campaign', 'annotationRequest', 'pool', 'task'];
    for (const type of [...types, 'annotationHistory'] as const) {
      const entity = of(type).at(-1)!;
      const line = toImportLine(entity);
      expect(line).not.toContain('\n');
      expect(plain(parse(line))).toEqual(plain(entity));
    }
  });
});
