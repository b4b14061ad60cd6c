import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Entity } from '../src/domain/entities.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { deliveryOf, PROGRESS_FRAGMENTS, progressOf, type TaskState } from './support/progress.ts';
import { MANY_TASKS, onRandomHistories } from './support/random-history.ts';
import type { HistoryRecord } from './support/records.ts';
import { importSimulation } from './support/rows.ts';
import { askScopes, ownPool, poolTypesOf, scopesOf, timesOf } from './support/scopes.ts';

/** How a task stands after a record. */
const stateAfter = (record: HistoryRecord, poolTypes: Map<bigint, number>): TaskState => ({
  status: record.status,
  poolType: poolTypes.get(record.poolId)!,
  instances: record.instanceSum,
  attributes: record.attributesSum,
  frames: record.frameCount,
});

/** Asks for all instants in one operation, and holds the answers against the records. */
async function expectWorkAsOf(
  gateway: TestGateway,
  entities: Entity[],
  instants: Date[],
): Promise<void> {
  const poolTypes = poolTypesOf(entities);
  const fields = instants.map((instant, index) => {
    const asOf = `(asOf: "${instant.toISOString()}")`;
    return `progress${index}: progress${asOf} { ...Far } delivery${index}: delivery${asOf} { ...Held }`;
  });
  const answers = await askScopes(gateway, scopesOf(entities), {
    fields: fields.join(' '),
    fragments: PROGRESS_FRAGMENTS,
  });
  for (const [scope, answer] of answers) {
    const pool = ownPool(scope);
    for (const [index, instant] of instants.entries()) {
      // A pool has the tasks that their last records place in it.
      const tasks = scope.tasks
        .flatMap(
          ({ records }) => records.findLast(({ createdTime }) => createdTime <= instant) ?? [],
        )
        .filter(({ poolId }) => pool === undefined || poolId === pool)
        .map((last) => stateAfter(last, poolTypes));
      const where = `${scope.list} ${scope.id} ${instant.toISOString()}`;
      expect(answer[`progress${index}`], where).toEqual(progressOf(tasks));
      expect(answer[`delivery${index}`], where).toEqual(deliveryOf(tasks, false));
    }
  }
}

/** Instants before, at, a moment before, between and after the records. */
function instantsOf(entities: Entity[]): Date[] {
  const times = timesOf(entities);
  const middle = times[Math.floor(times.length / 2)]!;
  const late = times[Math.floor((times.length * 9) / 10)]!;
  return [times[0]! - 1, times[0]!, middle, middle - 1, late + 1, times.at(-1)!].map(
    (time) => new Date(time),
  );
}

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await createTestGateway();
});
afterAll(() => gateway.close());

describe('progress and delivery as of an instant', () => {
  it('are those of each task after its last record, on simulated data', async () => {
    const entities = await importSimulation(gateway.database, 150);
    await expectWorkAsOf(gateway, entities, instantsOf(entities));
  });

  it('are so on random histories', async () => {
    await onRandomHistories(gateway.database, 3, MANY_TASKS, (entities) =>
      expectWorkAsOf(gateway, entities, instantsOf(entities)),
    );
  });

  it('do not mix with those of now, and follow the history where the rows differ from it', async () => {
    const entities = await importSimulation(gateway.database, 20);
    const end = new Date(timesOf(entities).at(-1)!).toISOString();
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
  });

  it('refuse instants that no record can have', async () => {
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
  });
});
