import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { POOL_TYPE, TASK_STATUS } from '../src/domain/codes.ts';
import type { AnnotationHistoryEntity, Entity } from '../src/domain/entities.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { randomWork, workOf, type TaskWork } from './support/random-work.ts';
import { importEntities, importSimulation } from './support/rows.ts';

const nameOf = (codes: Record<string, number>, code: number) =>
  Object.keys(codes).find((name) => codes[name] === code) ?? null;

function countBy(codes: number[], show: (code: number) => object): object[] {
  return [...new Set(codes)]
    .sort((a, b) => a - b)
    .map((code) => ({ ...show(code), count: codes.filter((other) => other === code).length }));
}

function held(records: AnnotationHistoryEntity[]): object {
  const sum = (value: (record: AnnotationHistoryEntity) => number) =>
    String(records.reduce((total, record) => total + BigInt(value(record)), 0n));
  return {
    tasks: records.length,
    instances: sum((record) => record.instanceSum),
    attributes: sum((record) => record.attributesSum),
    frames: sum((record) => record.frameCount),
    byOperationKey: null,
  };
}

/** The definitions, word for word, over the last records of the tasks of one parent. */
function answerOf(last: AnnotationHistoryEntity[], poolTypes: Map<bigint, number>): object {
  const completed = last.filter((record) => record.status === 11);
  const workable = last.filter((record) => record.status !== 0).length;
  return {
    progress: {
      total: last.length,
      completed: completed.length,
      percent: workable === 0 ? null : (100 * completed.length) / workable,
      byStatus: countBy(
        last.map((record) => record.status),
        (code) => ({ status: nameOf(TASK_STATUS, code), statusCode: code }),
      ),
      byPoolType: countBy(
        last.map((record) => poolTypes.get(record.poolId)!),
        (code) => ({ poolType: nameOf(POOL_TYPE, code), poolTypeCode: code }),
      ),
    },
    delivery: { all: held(last), completed: held(completed) },
  };
}

/** Whose tasks they are, by the task's row or the record that places it in a pool. */
const PARENTS = [
  ['campaigns', 'campaignId', ({ campaignId }: TaskWork) => campaignId],
  ['annotationRequests', 'annotationRequestId', ({ task }: TaskWork) => task.annotationRequestId],
  ['pools', 'poolId', (_: TaskWork, last: AnnotationHistoryEntity) => String(last.poolId)],
] as const;

const FRAGMENTS = `
  fragment Far on Progress { total completed percent
    byStatus { status statusCode count } byPoolType { poolType poolTypeCode count } }
  fragment Held on Delivery { all { ...Counts } completed { ...Counts } }
  fragment Counts on DeliveryCounts {
    tasks instances attributes frames byOperationKey { key instances } }`;

/** Asks for all instants in one operation, and holds the answers against the records. */
async function expectWorkAsOf(
  gateway: TestGateway,
  entities: Entity[],
  instants: Date[],
): Promise<void> {
  const { work, pools } = workOf(entities);
  const poolTypes = new Map(pools.map(({ id, poolType }) => [id, poolType]));
  const fields = instants.map((instant, index) => {
    const asOf = `(asOf: "${instant.toISOString()}")`;
    return `progress${index}: progress${asOf} { ...Far } delivery${index}: delivery${asOf} { ...Held }`;
  });
  const lists = PARENTS.map(
    ([list, key]) => `${list}(first: 100) { nodes { ${key} ${fields.join(' ')} } }`,
  );
  type Answer = Record<string, { nodes: Record<string, unknown>[] }>;
  const data = await gateway.gql<Answer>(`{ ${lists.join(' ')} } ${FRAGMENTS}`);
  for (const [index, instant] of instants.entries()) {
    const then = work.flatMap((one) => {
      const last = one.records.findLast(({ createdTime }) => createdTime <= instant);
      return last ? [{ one, last }] : [];
    });
    for (const [list, key, keyOf] of PARENTS) {
      const { nodes } = data[list]!;
      expect(nodes.length).toBeGreaterThan(0);
      for (const node of nodes) {
        const own = then.filter(({ one, last }) => keyOf(one, last) === node[key]);
        const answer = {
          progress: node[`progress${index}`],
          delivery: node[`delivery${index}`],
        };
        expect(answer).toEqual(
          answerOf(
            own.map(({ last }) => last),
            poolTypes,
          ),
        );
      }
    }
  }
}

const timesOf = (entities: Entity[]) =>
  entities.flatMap((one) => (one.type === 'annotationHistory' ? one.createdTime.getTime() : []));

/** Instants before, at, a moment before, between and after the records. */
function instantsOf(entities: Entity[]): Date[] {
  const times = timesOf(entities).sort((a, b) => a - b);
  const middle = times[Math.floor(times.length / 2)]!;
  const late = times[Math.floor((times.length * 9) / 10)]!;
  return [times[0]! - 1, times[0]!, middle, middle - 1, late + 1, times.at(-1)!].map(
    (time) => new Date(time),
  );
}

describe('progress and delivery as of an instant', () => {
  it('are those of each task after its last record, on simulated data', async () => {
    const gateway = await createTestGateway();
    const entities = await importSimulation(gateway.database, 150);
    await expectWorkAsOf(gateway, entities, instantsOf(entities));
    await gateway.close();
  });

  it('are so on random histories', async () => {
    await fc.assert(
      fc.asyncProperty(randomWork, async (entities) => {
        const gateway = await createTestGateway();
        try {
          await importEntities(gateway.database, entities);
          await expectWorkAsOf(gateway, entities, instantsOf(entities));
        } finally {
          await gateway.close();
        }
      }),
      { numRuns: 3, endOnFailure: true },
    );
  });

  it('do not mix with those of now, and follow the history where the rows differ from it', async () => {
    const gateway = await createTestGateway();
    const entities = await importSimulation(gateway.database, 20);
    const end = new Date(Math.max(...timesOf(entities))).toISOString();
    const ask = () =>
      gateway.gql<{ campaigns: { nodes: Record<string, object>[] } }>(
        `{ campaigns { nodes {
          nothing: progress(asOf: null) { total }
          now: progress { total completed } end: progress(asOf: "${end}") { total completed }
          start: progress(asOf: "0001-01-01T00:00:00Z") { total completed }
          future: progress(asOf: "9999-12-31T23:59:59.999Z") { total completed } } } }`,
      );
    for (const { now, end: last, start, future, nothing } of (await ask()).campaigns.nodes) {
      expect(last).toEqual(now);
      expect(future).toEqual(now);
      expect(now).toMatchObject(nothing!);
      expect(start).toEqual({ total: 0, completed: 0 });
    }
    const before = (await ask()).campaigns.nodes.map(({ end: last }) => last);
    await gateway.database.prisma.task.updateMany({ data: { status: 11 } });
    const { nodes } = (await ask()).campaigns;
    expect(nodes.map(({ end: last }) => last)).toEqual(before);
    for (const { now } of nodes as { now: { total: number; completed: number } }[]) {
      expect(now.completed).toBe(now.total);
    }
    await gateway.close();
  });

  it('refuse instants that no record can have', async () => {
    const gateway = await createTestGateway();
    for (const asOf of [
      '0000-12-31T23:59:59.999Z',
      '0001-01-01T00:00:00+00:01',
      '9999-12-31T23:59:59-00:01',
    ]) {
      const inline = await gateway.gqlErrors(
        `{ campaigns { nodes { progress(asOf: "${asOf}") { total } } } }`,
      );
      const variable = await gateway.gqlErrors(
        'query($asOf: DateTime) { campaigns { nodes { progress(asOf: $asOf) { total } } } }',
        { asOf },
      );
      for (const [error] of [inline, variable]) {
        expect(error!.message).toMatch(/years 0001 to 9999/);
      }
    }
    await gateway.close();
  });
});
