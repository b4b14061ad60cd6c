import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FAULT_TIMEOUT_MS, isFull, underLoad } from './support/fault.ts';
import { inspect, INSPECTABLE, type Held } from './support/inspect.ts';
import { createStage, type Stage } from './support/stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await createStage(INSPECTABLE);
});
afterAll(() => stage?.close());

/** Full ones take two minutes each. In the first the gateway compiles, and fills its caches. */
const PHASES = isFull ? 5 : 2;
const SHORT_PHASE_MS = 20_000;
/** Longer than a connection is kept that nobody uses. */
const QUIET_MS = 7000;

/** What the heap may be larger by than after the first phase; a leak would be larger with each. */
const MAX_GROWTH_MB = 12;
const POOL_SIZE = 10;

it(
  'mixed traffic for long',
  async (context) => {
    const inspector = await inspect(stage.gateway);
    const held: Held[] = [];
    for (let phase = 0; phase < PHASES; phase++) {
      await underLoad(stage, context, {
        mayFail: ['unavailable'],
        strike: () => sleep(SHORT_PHASE_MS),
      });
      await sleep(QUIET_MS);
      held.push(await inspector.measure());
    }
    inspector.close();
    const heaps = held.map(({ heapMb }) => heapMb);
    context.task.meta.fault!.notes = `heap after each phase ${heaps.map((mb) => mb.toFixed(1)).join(', ')} MB`;
    const [first, last] = [held[0]!, held.at(-1)!];
    expect(last.heapMb - first.heapMb).toBeLessThan(MAX_GROWTH_MB);
    expect(last.resources).toEqual(first.resources);
    const [connections] = await stage.query<{ count: number }>(
      `SELECT count(*)::int FROM pg_stat_activity WHERE application_name = 'rosetta-gateway'`,
    );
    expect(connections!.count).toBeLessThanOrEqual(POOL_SIZE);
  },
  PHASES * FAULT_TIMEOUT_MS,
);
